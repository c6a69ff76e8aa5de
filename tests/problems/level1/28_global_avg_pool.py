# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def forward(self, x):
        return torch.mean(x, dim=(2, 3), keepdim=True)


def get_inputs():
    return [torch.randn(4, 10, 31, 33)]


def get_init_inputs():
    return []
