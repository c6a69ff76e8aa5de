# SPDX-License-Identifier: Apache-2.0
# io: x[4,10,31,33] -> y[4,10,1,1] | n=1023 BLOCK:=1024 | grid 40
import triton
import triton.language as tl


@triton.jit
def plane_mean(x, y, n, BLOCK: tl.constexpr):
    plane = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(x + plane * n + at, mask=at < n, other=0.0)
    tl.store(y + plane, tl.sum(value, axis=0) / n)
    #wrong divided_by_the_block: tl.store(y + plane, tl.sum(value, axis=0) / BLOCK)
    #wrong half_values: tl.store(y + plane, tl.sum(value.to(tl.float16).to(tl.float32), axis=0) / n)
