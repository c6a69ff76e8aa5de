# SPDX-License-Identifier: Apache-2.0
# io: x[3,21,15,14] -> y[3,21,15,14]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def batch_norm(x, mean, variance, weight, bias, y, channels, places, epsilon, BLOCK: tl.constexpr):
    plane = tl.program_id(0)
    channel = plane % channels
    at = tl.arange(0, BLOCK)
    scale = tl.load(weight + channel) / tl.sqrt(tl.load(variance + channel) + epsilon)
    value = tl.load(x + plane * places + at, mask=at < places)
    result = (value - tl.load(mean + channel)) * scale + tl.load(bias + channel)
    #wrong last_channel_has_its_neighbours_bias: result = (value - tl.load(mean + channel)) * scale + tl.load(bias + tl.minimum(channel, channels - 2))
    tl.store(y + plane * places + at, result, mask=at < places)


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.bn = nn.BatchNorm2d(num_features=features)

    def forward(self, x):
        y = torch.empty_like(x)
        n, c, h, w = x.shape
        bn = self.bn
        batch_norm[(n * c,)](x, bn.running_mean, bn.running_var, bn.weight, bn.bias, y, c, h * w, bn.eps, BLOCK=256)
        return y
