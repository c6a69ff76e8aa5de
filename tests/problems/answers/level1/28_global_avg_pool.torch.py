# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, x):
        return x.flatten(2).sum(2)[..., None, None] / (x.shape[2] * x.shape[3])
        #wrong means_of_the_kept_rows: return x[:, :, :-1].mean(2).mean(2)[..., None, None]
