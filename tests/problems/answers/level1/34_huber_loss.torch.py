# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, predictions, targets):
        distance = (predictions - targets).abs()
        inner = distance.clamp(max=1)
        #wrong wider_square: inner = distance.clamp(max=1.2)
        return (inner * (distance - 0.5 * inner)).mean()
        #wrong last_row_ignored: return (inner * (distance - 0.5 * inner))[:-1].mean()
