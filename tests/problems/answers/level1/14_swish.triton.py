# SPDX-License-Identifier: Apache-2.0
# io: x[33,999] -> y[33,999]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def swish(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < n)
    result = value / (1.0 + tl.exp(-value))
    #wrong small_values_flushed: result = tl.where(value < -3.0, 0.0, value / (1.0 + tl.exp(-value)))
    tl.store(y + at, result, mask=at < n)


class ModelNew(nn.Module):
    def forward(self, x):
        y = torch.empty_like(x)
        swish[(triton.cdiv(x.numel(), 1024),)](x, y, x.numel(), BLOCK=1024)
        #wrong grid_rounded_down: swish[(x.numel() // 1024,)](x, y, x.numel(), BLOCK=1024)
        return y
