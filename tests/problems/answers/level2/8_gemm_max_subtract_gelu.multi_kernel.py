# SPDX-License-Identifier: Apache-2.0
# io: x[41,30] weight[27,30] -> y[41,27]
import torch


def product(x, weight):
    return torch.mm(x, weight.T)


def shifted(rows):
    return rows - rows.amax(1, keepdim=True) + 4
    #wrong largest_of_the_first_columns: return rows - rows[:, :26].amax(1, keepdim=True) + 4


def run(x, weight, y):
    y.copy_(torch.nn.functional.gelu(shifted(product(x, weight))))
