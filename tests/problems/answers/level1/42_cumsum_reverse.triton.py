# SPDX-License-Identifier: Apache-2.0
# io: x[40,333] -> y[40,333] | columns=333 BLOCK:=512 | grid 40
import triton
import triton.language as tl


@triton.jit
def cumsum_reverse(x, y, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = columns - 1 - tl.arange(0, BLOCK)
    value = tl.load(x + row * columns + at, mask=at >= 0, other=0.0)
    #wrong first_element_ignored: value = tl.load(x + row * columns + at, mask=at > 0, other=0.0)
    tl.store(y + row * columns + at, tl.cumsum(value, axis=0), mask=at >= 0)
