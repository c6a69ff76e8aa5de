# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class Model(nn.Module):
    def forward(self, A, B):
        return torch.diag(A) @ B


def get_inputs():
    return [torch.randn(90), torch.randn(90, 333)]


def get_init_inputs():
    return []
