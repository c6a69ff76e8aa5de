# SPDX-License-Identifier: Apache-2.0
# io: x[32,1000] -> y[32,1000]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def cumsum(x, y, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    carry = 0.0
    for first in range(0, columns, BLOCK):
        at = first + tl.arange(0, BLOCK)
        value = tl.load(x + row * columns + at, mask=at < columns, other=0.0)
        tl.store(y + row * columns + at, tl.cumsum(value, axis=0) + carry, mask=at < columns)
        carry += tl.sum(value, axis=0)
        #wrong carry_of_one_block_only: carry = tl.sum(value, axis=0)


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        y = torch.empty_like(x)
        cumsum[(x.shape[0],)](x, y, x.shape[1], BLOCK=256)
        return y
