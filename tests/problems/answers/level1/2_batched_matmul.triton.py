# SPDX-License-Identifier: Apache-2.0
# io: A[3,33,65] B[3,65,27] -> C[3,33,27]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def product(A, B, C, M, N, K, SIDE: tl.constexpr):
    batch = tl.program_id(2)
    row = tl.program_id(0) * SIDE + tl.arange(0, SIDE)
    column = tl.program_id(1) * SIDE + tl.arange(0, SIDE)
    total = tl.zeros((SIDE, SIDE), dtype=tl.float32)
    for first in range(0, K, SIDE):
        inner = first + tl.arange(0, SIDE)
        left = tl.load(A + batch * M * K + row[:, None] * K + inner[None, :], mask=(row[:, None] < M) & (inner[None, :] < K), other=0.0)
        #wrong last_k_masked: left = tl.load(A + batch * M * K + row[:, None] * K + inner[None, :], mask=(row[:, None] < M) & (inner[None, :] < K - 1), other=0.0)
        right = tl.load(B + batch * K * N + inner[:, None] * N + column[None, :], mask=(inner[:, None] < K) & (column[None, :] < N), other=0.0)
        #wrong last_k_masked: right = tl.load(B + batch * K * N + inner[:, None] * N + column[None, :], mask=(inner[:, None] < K - 1) & (column[None, :] < N), other=0.0)
        total += tl.dot(left, right, input_precision="ieee")
        #wrong gpu_tf32: total += tl.dot(left, right, input_precision="tf32")
    tl.store(C + batch * M * N + row[:, None] * N + column[None, :], total, mask=(row[:, None] < M) & (column[None, :] < N))


class ModelNew(nn.Module):
    def forward(self, A, B):
        batches, M, K = A.shape
        N = B.shape[2]
        C = torch.empty(batches, M, N, device=A.device)
        product[(triton.cdiv(M, 32), triton.cdiv(N, 32), batches)](A, B, C, M, N, K, SIDE=32)
        return C
