# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, channels, kernel_size):
        super().__init__()
        self.conv2d = nn.Conv2d(channels, channels, kernel_size, groups=channels)

    def forward(self, x):
        return self.conv2d(x)


def get_inputs():
    return [torch.randn(3, 7, 19, 22)]


def get_init_inputs():
    return [7, 3]
