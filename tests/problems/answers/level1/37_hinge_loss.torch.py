# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, predictions, targets):
        return torch.relu(1 - predictions * targets).mean()
        #wrong squared_for_small_ones: each = torch.relu(1 - predictions * targets); return torch.where(each < 0.1, each * each, each).mean()
