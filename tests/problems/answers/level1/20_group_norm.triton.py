# SPDX-License-Identifier: Apache-2.0
# io: x[4,24,11,13] -> y[4,24,11,13]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def group_norm(x, weight, bias, y, groups, in_group, places, epsilon, BLOCK: tl.constexpr):
    block = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    n = in_group * places
    value = tl.load(x + block * n + at, mask=at < n, other=0.0)
    mean = tl.sum(value, axis=0) / n
    centred = tl.where(at < n, value - mean, 0.0)
    variance = tl.sum(centred * centred, axis=0) / n
    channel = block % groups * in_group + at // places
    #wrong group_instead_of_channel: channel = block % groups * in_group + at // places // in_group
    scale = tl.load(weight + channel, mask=at < n)
    shift = tl.load(bias + channel, mask=at < n)
    tl.store(y + block * n + at, centred * tl.rsqrt(variance + epsilon) * scale + shift, mask=at < n)


class ModelNew(nn.Module):
    def __init__(self, channels, groups):
        super().__init__()
        self.gn = nn.GroupNorm(num_groups=groups, num_channels=channels)

    def forward(self, x):
        y = torch.empty_like(x)
        n, c, h, w = x.shape
        g = self.gn.num_groups
        group_norm[(n * g,)](x, self.gn.weight, self.gn.bias, y, g, c // g, h * w, self.gn.eps, BLOCK=1024)
        return y
