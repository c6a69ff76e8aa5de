# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, x):
        return 0.5 * x * torch.erfc(-x * 0.7071067811865476)
        #wrong tanh_approximation: return torch.nn.functional.gelu(x, approximate="tanh")
        #wrong short_constant: return 0.5 * x * torch.erfc(-x * 0.7073)
