# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def forward(self, A, B):
        return torch.einsum("ik,kj->ij", A, B)
        #wrong half_precision: return (A.half() @ B.half()).float()
