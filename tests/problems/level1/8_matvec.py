# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def forward(self, A, x):
        return torch.matmul(A, x)


def get_inputs():
    return [torch.randn(60, 1000), torch.randn(1000, 1)]


def get_init_inputs():
    return []
