# SPDX-License-Identifier: Apache-2.0
# io: anchor[50,12] positive[50,12] negative[50,12] -> loss[] | rows=50 width=12 ROWS:=64 WIDTH:=16 | grid 1
import triton
import triton.language as tl


@triton.jit
def triplet(anchor, positive, negative, loss, rows, width, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    row = tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)
    at = row[:, None] * width + column[None, :]
    inside = (row[:, None] < rows) & (column[None, :] < width)
    centre = tl.load(anchor + at, mask=inside, other=0.0)
    near = tl.where(inside, centre - tl.load(positive + at, mask=inside, other=0.0) + 1e-6, 0.0)
    far = tl.where(inside, centre - tl.load(negative + at, mask=inside, other=0.0) + 1e-6, 0.0)
    each = tl.sqrt(tl.sum(near * near, axis=1)) - tl.sqrt(tl.sum(far * far, axis=1)) + 1.0
    each = tl.where(row < rows, tl.maximum(each, 0.0), 0.0)
    #wrong padded_rows_have_the_margin: each = tl.maximum(each, 0.0)
    tl.store(loss, tl.sum(each, axis=0) / rows)
