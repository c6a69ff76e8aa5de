# SPDX-License-Identifier: Apache-2.0
# io: x[32,10,24] -> y[32,10,24]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def layer_norm(x, weight, bias, y, n, epsilon, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + row * n + at, mask=at < n, other=0.0)
    mean = tl.sum(value, axis=0) / n
    centred = tl.where(at < n, value - mean, 0.0)
    #wrong padding_counts_in_the_variance: centred = value - mean
    variance = tl.sum(centred * centred, axis=0) / n
    #wrong unbiased_variance: variance = tl.sum(centred * centred, axis=0) / (n - 1)
    scale = tl.load(weight + at, mask=at < n)
    shift = tl.load(bias + at, mask=at < n)
    tl.store(y + row * n + at, centred / tl.sqrt(variance + epsilon) * scale + shift, mask=at < n)


class ModelNew(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.ln = nn.LayerNorm(shape)

    def forward(self, x):
        y = torch.empty_like(x)
        layer_norm[(x.shape[0],)](x, self.ln.weight, self.ln.bias, y, x[0].numel(), self.ln.eps, BLOCK=256)
        return y
