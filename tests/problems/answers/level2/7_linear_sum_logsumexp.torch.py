# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.linear = nn.Linear(in_features, out_features)

    def forward(self, x):
        sums = x @ self.linear.weight.sum(0) + self.linear.bias.sum()
        #wrong last_bias_ignored: sums = x @ self.linear.weight.sum(0) + self.linear.bias[:-1].sum()
        return torch.logsumexp(sums, 0, keepdim=True)
        #wrong largest_only: return torch.cat([sums.topk(3)[0]]).logsumexp(0, keepdim=True)
