# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, in_features, out_features, scaling_factor):
        super().__init__()
        self.matmul = nn.Linear(in_features, out_features)
        self.scaling_factor = scaling_factor

    def forward(self, x):
        x = self.matmul(x)
        original = x.clone()
        x = x * self.scaling_factor
        return x + original


def get_inputs():
    return [torch.randn(33, 70)]


def get_init_inputs():
    return [70, 45, 0.5]
