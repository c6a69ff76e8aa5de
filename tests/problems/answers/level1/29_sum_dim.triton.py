# SPDX-License-Identifier: Apache-2.0
# io: x[16,100,33] -> y[16,1,33]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def sum_middle(x, y, n, inner, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    outer = tl.program_id(0)
    column = tl.arange(0, COLUMNS)
    total = tl.zeros((COLUMNS,), dtype=tl.float32)
    for first in range(0, n, ROWS):
        row = first + tl.arange(0, ROWS)
        inside = (row[:, None] < n) & (column[None, :] < inner)
        #wrong reads_the_next_image: inside = (row[:, None] <= n) & (outer < 15) & (column[None, :] < inner) | (row[:, None] < n) & (column[None, :] < inner)
        total += tl.sum(tl.load(x + (outer * n + row[:, None]) * inner + column[None, :], mask=inside, other=0.0), axis=0)
    tl.store(y + outer * inner + column, total, mask=column < inner)


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        y = torch.empty(x.shape[0], 1, x.shape[2], device=x.device)
        sum_middle[(x.shape[0],)](x, y, x.shape[1], x.shape[2], ROWS=16, COLUMNS=64)
        return y
