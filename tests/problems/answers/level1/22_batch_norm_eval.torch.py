# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.bn = nn.BatchNorm2d(num_features=features)

    def forward(self, x):
        scale = self.bn.weight * torch.rsqrt(self.bn.running_var + self.bn.eps)
        #wrong epsilon_forgotten: scale = self.bn.weight * torch.rsqrt(self.bn.running_var)
        shift = self.bn.bias - self.bn.running_mean * scale
        #wrong mean_not_scaled: shift = self.bn.bias - self.bn.running_mean * self.bn.weight
        return x * scale[:, None, None] + shift[:, None, None]
