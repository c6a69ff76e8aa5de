# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, kernel_size, stride, dilation):
        super().__init__()
        self.maxpool = nn.MaxPool3d(kernel_size, stride, dilation=dilation)

    def forward(self, x):
        return self.maxpool(x)


def get_inputs():
    return [torch.randn(2, 3, 9, 11, 13)]


def get_init_inputs():
    return [2, 2, 3]
