# SPDX-License-Identifier: Apache-2.0
# io: A[3,33,65] B[3,65,27] -> C[3,33,27]
import torch


def one(left, right, out):
    torch.mm(left, right, out=out)


def run(A, B, C):
    for batch in range(A.shape[0]):
        one(A[batch], B[batch], C[batch])
        #wrong last_batch_repeats: one(A[batch], B[min(batch, 1)], C[batch])
