# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.gn = nn.GroupNorm(num_groups=groups, num_channels=channels)
        nn.init.uniform_(self.gn.weight, 0.5, 1.5)
        nn.init.normal_(self.gn.bias)

    def forward(self, x):
        return self.gn(x)


def get_inputs():
    return [torch.randn(4, 24, 11, 13)]


def get_init_inputs():
    return [24, 6]
