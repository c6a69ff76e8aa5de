# SPDX-License-Identifier: Apache-2.0
# io: x[40,60] -> y[40,48]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def norm_clamp(x, weight, bias, y, groups, in_group, epsilon, low, high, BLOCK: tl.constexpr):
    block = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + block * in_group + at, mask=at < in_group, other=0.0)
    centred = tl.where(at < in_group, value - tl.sum(value, axis=0) / in_group, 0.0)
    variance = tl.sum(centred * centred, axis=0) / in_group
    #wrong unbiased_variance: variance = tl.sum(centred * centred, axis=0) / (in_group - 1)
    channel = block % groups * in_group + at
    scale = tl.load(weight + channel, mask=at < in_group)
    shift = tl.load(bias + channel, mask=at < in_group)
    result = centred * tl.rsqrt(variance + epsilon) * scale + shift
    tl.store(y + block * in_group + at, tl.minimum(tl.maximum(result, low), high), mask=at < in_group)
    #wrong bounds_symmetric: tl.store(y + block * in_group + at, tl.minimum(tl.maximum(result, low), -low), mask=at < in_group)


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, groups, low, high):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features)
        self.group_norm = nn.GroupNorm(groups, out_features)
        self.bounds = low, high

    def forward(self, x):
        rows = self.gemm(x)
        y = torch.empty_like(rows)
        norm = self.group_norm
        in_group = norm.num_channels // norm.num_groups
        norm_clamp[(rows.shape[0] * norm.num_groups,)](
            rows, norm.weight, norm.bias, y, norm.num_groups, in_group, norm.eps, *self.bounds, BLOCK=8)
        return y
