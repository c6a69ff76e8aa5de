# SPDX-License-Identifier: Apache-2.0
# io: x[6,13,201] -> y[6,13,100] | length=201 outputs=100 BLOCK:=128 | grid 78
import triton
import triton.language as tl


@triton.jit
def avg_pool(x, y, length, outputs, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    place = tl.arange(0, BLOCK)
    total = tl.zeros((BLOCK,), dtype=tl.float32)
    for step in range(4):
        at = 2 * place - 1 + step
        total += tl.load(x + row * length + at, mask=(at >= 0) & (at < length), other=0.0)
        #wrong last_input_ignored: total += tl.load(x + row * length + at, mask=(at >= 0) & (at < length - 1), other=0.0)
    tl.store(y + row * outputs + place, total / 4, mask=place < outputs)
    #wrong padding_not_counted: tl.store(y + row * outputs + place, total / tl.where(place == 0, 3, 4), mask=place < outputs)
