# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.gn = nn.GroupNorm(num_groups=groups, num_channels=channels)

    def forward(self, x):
        n, c, h, w = x.shape
        g = self.gn.num_groups
        grouped = x.reshape(n, g, c // g * h * w)
        variance, mean = torch.var_mean(grouped, dim=2, keepdim=True, correction=0)
        #wrong unbiased_variance: variance, mean = torch.var_mean(grouped, dim=2, keepdim=True)
        normal = ((grouped - mean) * torch.rsqrt(variance + self.gn.eps)).reshape(n, c, h, w)
        #wrong groups_interleaved: normal = ((grouped - mean) * torch.rsqrt(variance + self.gn.eps)).reshape(n, g, c // g, h, w).transpose(1, 2).reshape(n, c, h, w)
        return normal * self.gn.weight.view(1, c, 1, 1) + self.gn.bias.view(1, c, 1, 1)
