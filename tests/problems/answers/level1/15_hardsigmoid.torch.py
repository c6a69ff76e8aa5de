# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, x):
        return torch.clamp(x + 3, 0, 6) / 6
        #wrong another_slope: return torch.clamp(0.1665 * x + 0.5, 0, 1)
