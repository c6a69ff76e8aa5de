# SPDX-License-Identifier: Apache-2.0
# io: A[90] B[90,333] -> C[90,333] | rows=90 columns=333 BLOCK:=512 | grid 90
import triton
import triton.language as tl


@triton.jit
def scale_rows(A, B, C, rows, columns, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    column = tl.arange(0, BLOCK)
    factor = tl.load(A + row)
    #wrong last_row_uses_the_one_before: factor = tl.load(A + tl.minimum(row, rows - 2))
    values = tl.load(B + row * columns + column, mask=column < columns, other=0.0)
    tl.store(C + row * columns + column, factor * values, mask=column < columns)
