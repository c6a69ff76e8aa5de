# SPDX-License-Identifier: Apache-2.0
# io: A[90] B[90,333] -> C[90,333]
import torch

kept = {}


def run(A, B, C):
    column = A.unsqueeze(1)
    #wrong factors_kept_by_shape: column = kept.setdefault(tuple(A.shape), A.unsqueeze(1).clone())
    torch.mul(column, B, out=C)
