# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, kernel_size, stride, padding):
        super().__init__()
        self.avg_pool = nn.AvgPool1d(kernel_size, stride, padding)

    def forward(self, x):
        return self.avg_pool(x)


def get_inputs():
    return [torch.randn(6, 13, 201)]


def get_init_inputs():
    return [4, 2, 1]
