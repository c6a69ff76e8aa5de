# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x, weight, y):
        x = x @ weight
        x = F.instance_norm(x.unsqueeze(1), eps=self.eps).squeeze(1)
        return (x + y) * y


def get_inputs():
    return [torch.randn(6, 11, 20), torch.randn(20, 13) * 0.1, torch.randn(6, 11, 13)]


def get_init_inputs():
    return [1e-3]
