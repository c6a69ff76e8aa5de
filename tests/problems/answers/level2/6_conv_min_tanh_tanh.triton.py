# SPDX-License-Identifier: Apache-2.0
# io: x[4,3,14,14] -> y[4,1,12,12]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def least_tanh(x, y, channels, places, BLOCK: tl.constexpr):
    image = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    best = tl.full((BLOCK,), float("inf"), dtype=tl.float32)
    for channel in range(channels):
        #wrong first_channel_ignored: for channel in range(1, channels):
        best = tl.minimum(best, tl.load(x + (image * channels + channel) * places + at, mask=at < places, other=0.0))
    once = 2 * tl.sigmoid(2 * best) - 1
    tl.store(y + image * places + at, 2 * tl.sigmoid(2 * once) - 1, mask=at < places)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size)

    def forward(self, x):
        planes = self.conv(x).contiguous()
        n, c, h, w = planes.shape
        y = torch.empty(n, 1, h, w, device=x.device)
        least_tanh[(n,)](planes, y, c, h * w, BLOCK=256)
        return y
