# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.kept = {}

    def forward(self, A, B):
        right = B
        #wrong right_side_kept_by_pointer: right = self.kept.setdefault(B.data_ptr(), B.clone())
        #wrong right_side_kept_by_shape: right = self.kept.setdefault(B.shape, B.clone())
        return (A.reshape(-1, A.shape[-1]) @ right).reshape(*A.shape[:-1], B.shape[1])
