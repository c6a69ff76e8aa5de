# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        sums = x.double().cumsum(self.dim)
        return (sums[:, -1:] - sums + x).float()
        #wrong without_the_element_itself: return (sums[:, -1:] - sums).float()
        #wrong bfloat16_elements: return (sums[:, -1:] - sums + x.bfloat16()).float()
