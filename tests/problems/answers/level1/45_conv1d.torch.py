# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
import torch.nn.functional as F


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, padding):
        super().__init__()
        self.conv1d = nn.Conv1d(in_channels, out_channels, kernel_size, padding=padding)
        self.padding = padding

    def forward(self, x):
        padded = F.pad(x, (self.padding, self.padding))
        #wrong padded_with_the_edge: padded = F.pad(x, (self.padding, self.padding), mode="replicate")
        windows = padded.unfold(2, self.conv1d.kernel_size[0], 1)
        return torch.einsum("nclk,ock->nol", windows, self.conv1d.weight) + self.conv1d.bias[:, None]
