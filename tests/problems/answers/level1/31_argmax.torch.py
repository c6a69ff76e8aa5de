# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        hits = x == x.amax(self.dim, keepdim=True)
        places = torch.arange(x.shape[self.dim], device=x.device)
        return torch.where(hits, places, x.shape[self.dim]).amin(self.dim)
        #wrong last_of_equals: return torch.where(hits, places, -1).amax(self.dim)
