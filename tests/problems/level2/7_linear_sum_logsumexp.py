# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        x = self.linear(x)
        x = torch.sum(x, dim=1, keepdim=True)
        return torch.logsumexp(x, dim=0)


def get_inputs():
    return [torch.randn(30, 50)]


def get_init_inputs():
    return [50, 20]
