# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        largest = x.amax(self.dim, keepdim=True)
        shifted = x - largest
        return shifted - shifted.exp().sum(self.dim, keepdim=True).log()
        #wrong first_element_not_summed: return shifted - shifted[:, 1:].exp().sum(self.dim, keepdim=True).log()
