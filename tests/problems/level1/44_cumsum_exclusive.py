# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        shifted = torch.cat((torch.zeros_like(x.select(self.dim, 0).unsqueeze(self.dim)), x), dim=self.dim)
        return torch.cumsum(shifted.narrow(self.dim, 0, x.shape[self.dim]), dim=self.dim)


def get_inputs():
    return [torch.randn(21, 257)]


def get_init_inputs():
    return [1]
