# SPDX-License-Identifier: Apache-2.0
# io: x[3,7,19,22] -> y[3,7,17,20]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def depthwise(x, weight, bias, y, channels, H, W, P, Q, SIZE: tl.constexpr, BLOCK: tl.constexpr):
    plane = tl.program_id(0)
    channel = plane % channels
    at = tl.arange(0, BLOCK)
    p, q = at // Q, at % Q
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for i in range(SIZE):
        for j in range(SIZE):
            value = tl.load(x + plane * H * W + (p + i) * W + q + j, mask=at < P * Q, other=0.0)
            total += value * tl.load(weight + (channel * SIZE + i) * SIZE + j)
            #wrong last_tap_of_another_channel: total += value * tl.load(weight + tl.maximum((channel * SIZE + i) * SIZE + j - (i * j == 4) * SIZE * SIZE, 0))
    tl.store(y + plane * P * Q + at, total + tl.load(bias + channel), mask=at < P * Q)
    #wrong last_output_without_its_bias: tl.store(y + plane * P * Q + at, total + tl.where(at < P * Q - 1, tl.load(bias + channel), 0.0), mask=at < P * Q)


class ModelNew(nn.Module):
    def __init__(self, channels, kernel_size):
        super().__init__()
        self.conv2d = nn.Conv2d(channels, channels, kernel_size, groups=channels)

    def forward(self, x):
        n, c, h, w = x.shape
        size = self.conv2d.kernel_size[0]
        y = torch.empty(n, c, h - size + 1, w - size + 1, device=x.device)
        depthwise[(n * c,)](x, self.conv2d.weight, self.conv2d.bias, y, c, h, w, y.shape[2], y.shape[3], SIZE=size, BLOCK=512)
        return y
