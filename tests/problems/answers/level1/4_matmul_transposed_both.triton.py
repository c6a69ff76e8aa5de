# SPDX-License-Identifier: Apache-2.0
# io: A[37,20] B[19,37] -> C[20,19] | M=20 N=19 K=37 SIDE:=16 | grid 2,2 warps 2
import triton
import triton.language as tl


@triton.jit
def product(A, B, C, M, N, K, SIDE: tl.constexpr):
    row = tl.program_id(0) * SIDE + tl.arange(0, SIDE)
    column = tl.program_id(1) * SIDE + tl.arange(0, SIDE)
    total = tl.zeros((SIDE, SIDE), dtype=tl.float32)
    for k in range(K):
        #wrong last_product_ignored: for k in range(K - 1):
        left = tl.load(A + k * M + row, mask=row < M, other=0.0)
        right = tl.load(B + column * K + k, mask=column < N, other=0.0)
        total += left[:, None] * right[None, :]
        #wrong half_products: total += (left.to(tl.float16)[:, None] * right.to(tl.float16)[None, :]).to(tl.float32)
    tl.store(C + row[:, None] * N + column[None, :], total, mask=(row[:, None] < M) & (column[None, :] < N))
