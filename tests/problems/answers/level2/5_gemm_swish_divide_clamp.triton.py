# SPDX-License-Identifier: Apache-2.0
# io: x[50,64] -> y[50,33]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def chain(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < n, other=0.0) * 4
    value = tl.minimum(tl.maximum(value * tl.sigmoid(value) / 2, -1.0), 1.0)
    value = 2 * tl.sigmoid(2 * value) - 1
    #wrong series_for_tanh: value = value - value * value * value / 3 + value * value * value * value * value * 2 / 15
    tl.store(y + at, tl.minimum(value, 0.7), mask=at < n)
    #wrong upper_bound_forgotten: tl.store(y + at, value, mask=at < n)


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)

    def forward(self, x):
        rows = self.gemm(x)
        y = torch.empty_like(rows)
        chain[(triton.cdiv(rows.numel(), 256),)](rows, y, rows.numel(), BLOCK=256)
        return y
