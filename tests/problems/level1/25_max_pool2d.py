# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, kernel_size, stride, padding):
        super().__init__()
        self.maxpool = nn.MaxPool2d(kernel_size, stride, padding)

    def forward(self, x):
        return self.maxpool(x)


def get_inputs():
    return [torch.randn(3, 5, 31, 27) - 1.5]


def get_init_inputs():
    return [3, 2, 1]
