# SPDX-License-Identifier: Apache-2.0
# io: x[50,777] -> y[50,777] | n=38850 BLOCK:=1024 | grid 38
import triton
import triton.language as tl


@triton.jit
def gelu(x, y, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    value = tl.load(x + at, mask=at < n)
    result = value * 0.5 * (1.0 + tl.erf(value * 0.7071067811865476))
    #wrong tanh_approximation: result = value * tl.sigmoid(1.5957691216057308 * (value + 0.044715 * value * value * value))
    tl.store(y + at, result, mask=at < n)
