# SPDX-License-Identifier: Apache-2.0
# io: x[2,4,101] -> y[2,5,101]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def conv1d(x, weight, bias, y, channels, length, size, padding, outputs, BLOCK: tl.constexpr):
    image, out_channel = tl.program_id(0), tl.program_id(1)
    place = tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), dtype=tl.float32) + tl.load(bias + out_channel)
    for channel in range(channels):
        for step in range(size):
            at = place + step - padding
            inside = (at >= 0) & (at < length)
            #wrong last_input_ignored: inside = (at >= 0) & (at < length - 1)
            value = tl.load(x + (image * channels + channel) * length + at, mask=inside, other=0.0)
            total += value * tl.load(weight + (out_channel * channels + channel) * size + step)
            #wrong kernel_reversed_in_one_channel: total += value * tl.load(weight + (out_channel * channels + channel) * size + tl.where(channel == 3, size - 1 - step, step))
    tl.store(y + (image * outputs + out_channel) * length + place, total, mask=place < length)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        self.conv1d = nn.Conv1d(in_channels, out_channels, kernel_size, padding=padding)
        self.padding = padding

    def forward(self, x):
        images, channels, length = x.shape
        outputs, _, size = self.conv1d.weight.shape
        y = torch.empty(images, outputs, length, device=x.device)
        conv1d[(images, outputs)](x, self.conv1d.weight, self.conv1d.bias, y, channels, length, size, self.padding, outputs, BLOCK=128)
        return y
