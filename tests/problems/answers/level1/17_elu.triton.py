# SPDX-License-Identifier: Apache-2.0
# io: x[40,1023] -> y[40,1023]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def elu(x, y, n, alpha, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < n)
    tl.store(y + at, tl.where(value > 0, value, alpha * (tl.exp(value) - 1.0)), mask=at < n)


class ModelNew(nn.Module):
    def __init__(self, alpha):
        super().__init__()
        self.alpha = alpha
        #wrong alpha_without_its_fraction: self.alpha = 1.0

    def forward(self, x):
        y = torch.empty_like(x)
        elu[(triton.cdiv(x.numel(), 2048),)](x, y, x.numel(), self.alpha, BLOCK=2048)
        return y
