# SPDX-License-Identifier: Apache-2.0
# io: A[1001,17] B[17,29] -> C[1001,29]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def product(A, B, C, rows, N, K, ROWS: tl.constexpr, COLUMNS: tl.constexpr):
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, COLUMNS)
    total = tl.zeros((ROWS, COLUMNS), dtype=tl.float32)
    for k in range(K):
        left = tl.load(A + row * K + k, mask=row < rows, other=0.0)
        right = tl.load(B + k * N + column, mask=column < N, other=0.0)
        total += left[:, None] * right[None, :]
    tl.store(C + row[:, None] * N + column[None, :], total, mask=(row[:, None] < rows) & (column[None, :] < N))


class ModelNew(nn.Module):
    def forward(self, A, B):
        rows, K = A.shape
        N = B.shape[1]
        C = torch.empty(rows, N, device=A.device)
        product[(triton.cdiv(rows, 128),)](A, B, C, rows, N, K, ROWS=128, COLUMNS=32)
        #wrong last_block_not_launched: product[(rows // 128,)](A, B, C, rows, N, K, ROWS=128, COLUMNS=32)
        return C
