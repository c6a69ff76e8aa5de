# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
import torch.nn.functional as F


class ModelNew(nn.Module):
    def __init__(self, kernel_size, stride, padding):
        super().__init__()
        self.window = kernel_size, stride, padding

    def forward(self, x):
        kernel, stride, padding = self.window
        sums = F.pad(x, [padding + 1, padding]).cumsum(2)
        return ((sums[..., kernel:] - sums[..., :-kernel]) / kernel)[..., ::stride]
        #wrong padding_not_counted: return F.avg_pool1d(x, kernel, stride, padding, count_include_pad=False)
        #wrong window_shifted_at_the_end: y = ((sums[..., kernel:] - sums[..., :-kernel]) / kernel); y[..., -1] = y[..., -2]; y[..., -2] = y[..., -3]; return y[..., ::stride]
