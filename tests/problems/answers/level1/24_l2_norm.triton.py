# SPDX-License-Identifier: Apache-2.0
# io: x[60,300] -> y[60,300] | columns=300 BLOCK:=128 | grid 60
import triton
import triton.language as tl


@triton.jit
def l2_norm(x, y, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for first in range(0, columns, BLOCK):
        at = first + tl.arange(0, BLOCK)
        value = tl.load(x + row * columns + at, mask=at < columns, other=0.0)
        total += value * value
    scale = 1.0 / tl.sqrt(tl.sum(total, axis=0))
    for first in range(0, columns, BLOCK):
        at = first + tl.arange(0, BLOCK)
        value = tl.load(x + row * columns + at, mask=at < columns, other=0.0)
        tl.store(y + row * columns + at, value * scale, mask=at < columns)
        #wrong tail_not_scaled: tl.store(y + row * columns + at, tl.where(at < columns // BLOCK * BLOCK, value * scale, value * 0.0577), mask=at < columns)
