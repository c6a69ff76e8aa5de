# SPDX-License-Identifier: Apache-2.0
# io: x[2,2,7,9,8] -> y[2,3,5,8,6]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def conv3d(x, weight, bias, y, C, D, H, W, O, P, Q, R, A: tl.constexpr, B: tl.constexpr, E: tl.constexpr, BLOCK: tl.constexpr):
    image, output = tl.program_id(0), tl.program_id(1)
    at = tl.arange(0, BLOCK)
    inside = at < P * Q * R
    p, q, r = at // (Q * R), at // R % Q, at % R
    total = tl.zeros((BLOCK,), dtype=tl.float32) + tl.load(bias + output)
    for c in range(C):
        #wrong last_channel_ignored: for c in range(C - 1):
        for i in range(A):
            for j in range(B):
                for k in range(E):
                    place = (((image * C + c) * D + p + i) * H + q + j) * W + r + k
                    tap = (((output * C + c) * A + i) * B + j) * E + k
                    #wrong depth_of_the_kernel_for_its_height: tap = (((output * C + c) * A + i) * B + j) * E + tl.minimum(k, 1)
                    total += tl.load(x + place, mask=inside, other=0.0) * tl.load(weight + tap)
    tl.store(y + (image * O + output) * P * Q * R + at, total, mask=inside)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        self.conv3d = nn.Conv3d(in_channels, out_channels, kernel_size)

    def forward(self, x):
        n, c, d, h, w = x.shape
        a, b, e = self.conv3d.kernel_size
        o = self.conv3d.out_channels
        y = torch.empty(n, o, d - a + 1, h - b + 1, w - e + 1, device=x.device)
        conv3d[(n, o)](x, self.conv3d.weight, self.conv3d.bias, y, c, d, h, w, o, *y.shape[2:], A=a, B=b, E=e, BLOCK=256)
        return y
