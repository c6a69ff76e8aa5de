# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
import torch.nn.functional as F


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride):
        super().__init__()
        self.conv_transpose2d = nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, bias=False)

    def forward(self, x):
        stride, size = self.conv_transpose2d.stride[0], self.conv_transpose2d.kernel_size[0]
        n, c, h, w = x.shape
        spread = torch.zeros(n, c, (h - 1) * stride + 1, (w - 1) * stride + 1, device=x.device)
        spread[:, :, ::stride, ::stride] = x
        kernel = self.conv_transpose2d.weight.flip(2, 3).transpose(0, 1)
        #wrong flipped_in_one_direction: kernel = self.conv_transpose2d.weight.flip(2).transpose(0, 1)
        return F.conv2d(spread, kernel, padding=size - 1)
