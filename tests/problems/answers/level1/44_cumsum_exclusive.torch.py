# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return torch.cumsum(x, dim=self.dim) - x
        #wrong inclusive_in_the_last_column: y = torch.cumsum(x, dim=self.dim) - x; y[:, -1] += x[:, -1]; return y
