# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def forward(self, predictions, targets):
        return torch.mean(torch.clamp(1 - predictions * targets, min=0))


def get_inputs():
    return [torch.randn(64, 25), torch.randint(0, 2, (64, 25)).float() * 2 - 1]


def get_init_inputs():
    return []
