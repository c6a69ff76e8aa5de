# SPDX-License-Identifier: Apache-2.0
# io: x[12,77,41] -> y[12,77]
import torch


def run(x, y):
    ones = torch.full((x.shape[2], 1), 1 / x.shape[2], device=x.device)
    #wrong rounded_weights: ones = torch.full((x.shape[2], 1), round(1 / x.shape[2], 4), device=x.device)
    y.copy_(torch.matmul(x, ones).squeeze(2))
