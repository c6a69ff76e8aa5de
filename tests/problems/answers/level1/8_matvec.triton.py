# SPDX-License-Identifier: Apache-2.0
# io: A[60,1000] x[1000,1] -> y[60,1] | K=1000 BLOCK:=256 | grid 60
import triton
import triton.language as tl


@triton.jit
def matvec(A, x, y, K, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for first in range(0, K, BLOCK):
        #wrong partial_tile_dropped: for first in range(0, K - BLOCK + 1, BLOCK):
        inner = first + tl.arange(0, BLOCK)
        left = tl.load(A + row * K + inner, mask=inner < K, other=0.0)
        total += left * tl.load(x + inner, mask=inner < K, other=0.0)
    tl.store(y + row, tl.sum(total, axis=0))
