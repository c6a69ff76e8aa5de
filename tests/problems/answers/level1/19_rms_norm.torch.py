# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        return x * torch.rsqrt(x.square().mean(1, keepdim=True) + self.eps)
        #wrong epsilon_outside_the_root: return x / (x.square().mean(1, keepdim=True).sqrt() + self.eps)
        #wrong epsilon_forgotten: return x * torch.rsqrt(x.square().mean(1, keepdim=True))
