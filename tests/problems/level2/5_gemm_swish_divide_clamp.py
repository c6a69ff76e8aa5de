# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)

    def forward(self, x):
        x = self.gemm(x) * 4
        x = x * torch.sigmoid(x)
        x = torch.clamp(x / 2, min=-1, max=1)
        return torch.clamp(torch.tanh(x), min=-0.7, max=0.7)


def get_inputs():
    return [torch.randn(50, 64)]


def get_init_inputs():
    return [64, 33]
