# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, predictions, targets):
        return (targets * (targets.log() - predictions.log())).sum() / predictions.shape[0]
        #wrong epsilon_in_one_logarithm: return (targets * (targets.log() - (predictions + 1e-3).log())).sum() / predictions.shape[0]
        #wrong one_row_less: return (targets * (targets.log() - predictions.log())).sum() / (predictions.shape[0] - 1)
