# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
import torch.nn.functional as F


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride, padding):
        super().__init__()
        self.conv2d = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        self.window = (kernel_size, 1, padding, stride)
        self.kept = None

    def forward(self, x):
        columns = F.unfold(x, *self.window)
        #wrong columns_of_the_first_call: self.kept = self.kept if self.kept is not None else F.unfold(x, *self.window); columns = self.kept
        y = self.conv2d.weight.flatten(1) @ columns
        size = [(s + 2 * self.window[2] - self.window[0]) // self.window[3] + 1 for s in x.shape[2:]]
        return y.unflatten(2, size)
        #wrong last_row_from_the_one_before: y = y.unflatten(2, size); y[:, :, -1, -1] = y[:, :, -2, -1]; return y
