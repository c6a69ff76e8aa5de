# SPDX-License-Identifier: Apache-2.0
# io: x[48,513] -> y[48,513] | n=24624 BLOCK:=512 | grid 49
import triton
import triton.language as tl


@triton.jit
def softplus(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < n, other=0.0)
    result = tl.maximum(value, 0.0) + tl.log(1.0 + tl.exp(-tl.abs(value)))
    #wrong linear_too_early: result = tl.where(value > 5.0, value, tl.log(1.0 + tl.exp(value)))
    tl.store(y + at, result, mask=at < n)
    #wrong last_element_not_written: tl.store(y + at, result, mask=at < n - 1)
