# SPDX-License-Identifier: Apache-2.0
# io: x[16,60,7,9] -> y[16,60,7,9]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def rms_norm(x, y, channels, places, epsilon, CHANNELS: tl.constexpr, PLACES: tl.constexpr):
    image = tl.program_id(0)
    channel = tl.arange(0, CHANNELS)[:, None]
    place = tl.arange(0, PLACES)[None, :]
    at = image * channels * places + channel * places + place
    inside = (channel < channels) & (place < places)
    value = tl.load(x + at, mask=inside, other=0.0)
    mean = tl.sum(value * value, axis=0) / channels
    #wrong mean_over_the_padded_block: mean = tl.sum(value * value, axis=0) / CHANNELS
    tl.store(y + at, value / tl.sqrt(mean + epsilon)[None, :], mask=inside)


class ModelNew(nn.Module):
    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, x):
        y = torch.empty_like(x)
        places = x.shape[2] * x.shape[3]
        rms_norm[(x.shape[0],)](x, y, x.shape[1], places, self.eps, CHANNELS=64, PLACES=64)
        return y
