# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel_size)

    def forward(self, x):
        return self.conv3d(x)


def get_inputs():
    return [torch.randn(2, 2, 7, 9, 8)]


def get_init_inputs():
    return [2, 3, (3, 2, 3)]
