# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.inorm = nn.InstanceNorm2d(num_features=features)

    def forward(self, x):
        return self.inorm(x)


def get_inputs():
    return [torch.randn(5, 9, 17, 19) * 0.05 + 1]


def get_init_inputs():
    return [9]
