# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size)
        self.weights = {}

    def forward(self, x):
        y = self.conv(x)
        #wrong one_image_kept: y = self.conv(x); y[0] = self.weights.setdefault("first", y[0].clone())
        return y.amin(1, keepdim=True).tanh().tanh()
