# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, groups, low, high):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)
        self.group_norm = nn.GroupNorm(groups, out_features)
        self.bounds = low, high

    def forward(self, x):
        rows = torch.addmm(self.gemm.bias, x, self.gemm.weight.t())
        grouped = rows.unflatten(1, (self.group_norm.num_groups, -1))
        variance, mean = torch.var_mean(grouped, dim=2, keepdim=True, correction=0)
        normal = ((grouped - mean) * torch.rsqrt(variance + self.group_norm.eps)).flatten(1)
        #wrong epsilon_a_hundred_times_too_large: normal = ((grouped - mean) * torch.rsqrt(variance + 100 * self.group_norm.eps)).flatten(1)
        return torch.clamp(normal * self.group_norm.weight + self.group_norm.bias, *self.bounds)
