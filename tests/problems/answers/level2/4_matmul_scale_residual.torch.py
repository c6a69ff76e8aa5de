# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, scaling_factor):
        super().__init__()
        self.matmul = nn.Linear(in_features, out_features)
        self.factor = 1 + scaling_factor

    def forward(self, x):
        weight, bias = self.matmul.weight * self.factor, self.matmul.bias * self.factor
        #wrong bias_not_scaled: weight, bias = self.matmul.weight * self.factor, self.matmul.bias
        return torch.addmm(bias, x, weight.t())
