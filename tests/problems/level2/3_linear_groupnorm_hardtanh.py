# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, in_features, out_features, groups, low, high):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)
        self.group_norm = nn.GroupNorm(groups, out_features)
        self.hardtanh = nn.Hardtanh(min_val=low, max_val=high)

    def forward(self, x):
        return self.hardtanh(self.group_norm(self.gemm(x)))


def get_inputs():
    return [torch.randn(40, 60)]


def get_init_inputs():
    return [60, 48, 6, -2.0, 1.5]
