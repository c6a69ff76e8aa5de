# SPDX-License-Identifier: Apache-2.0
# io: x[33,70] -> y[33,45]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def scaled_rows(x, weight, bias, y, N, K, factor, COLUMNS: tl.constexpr, INNER: tl.constexpr):
    row = tl.program_id(0)
    column = tl.arange(0, COLUMNS)
    k = tl.arange(0, INNER)
    left = tl.load(x + row * K + k, mask=k < K, other=0.0)
    right = tl.load(weight + column[:, None] * K + k[None, :], mask=(column[:, None] < N) & (k[None, :] < K), other=0.0)
    total = tl.sum(right * left[None, :], axis=1) + tl.load(bias + column, mask=column < N, other=0.0)
    tl.store(y + row * N + column, total * factor + total, mask=column < N)
    #wrong residual_of_the_rounded_value: tl.store(y + row * N + column, total * factor + total.to(tl.bfloat16).to(tl.float32), mask=column < N)


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, scaling_factor):
        super().__init__()
        self.matmul = nn.Linear(in_features, out_features)
        self.factor = scaling_factor

    def forward(self, x):
        K, N = self.matmul.in_features, self.matmul.out_features
        y = torch.empty(x.shape[0], N, device=x.device)
        scaled_rows[(x.shape[0],)](x, self.matmul.weight, self.matmul.bias, y, N, K, self.factor, COLUMNS=64, INNER=128)
        return y
