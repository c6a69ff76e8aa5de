# SPDX-License-Identifier: Apache-2.0
# io: x[50,6,130] -> y[50,130] | n=6 inner=130 BLOCK:=256 | grid 50
import triton
import triton.language as tl


@triton.jit
def least(x, y, n, inner, BLOCK: tl.constexpr):
    outer = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    best = tl.full((BLOCK,), float("inf"), dtype=tl.float32)
    #wrong starts_at_zero: best = tl.full((BLOCK,), 0.0, dtype=tl.float32)
    for i in range(n):
        best = tl.minimum(best, tl.load(x + (outer * n + i) * inner + at, mask=at < inner))
    tl.store(y + outer * inner + at, best, mask=at < inner)
