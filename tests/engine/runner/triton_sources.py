# SPDX-License-Identifier: Apache-2.0
"""Triton submissions of the tests, and contracts for them."""

VECTOR_ADD = """
import triton
import triton.language as tl

@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    tl.store(out + at, tl.load(x + at, mask=inside) + tl.load(y + at, mask=inside), mask=inside)
"""

# A row per program, a block wider than the row, and a function of Triton's own library written in Triton.
SOFTMAX = """
import triton
import triton.language as tl

@triton.jit
def scaled(x, scale):
    return x * scale

@triton.jit
def softmax(x, out, columns, scale, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    values = scaled(tl.load(x + row * columns + at, mask=at < columns, other=-float("inf")), scale)
    weights = tl.exp(values - tl.max(values, axis=0))
    tl.store(out + row * columns + at, weights / tl.sum(weights, axis=0), mask=at < columns)
"""

MATMUL_AUTOTUNED = """
import triton
import triton.language as tl

def grid(meta):
    return (triton.cdiv(meta["M"], meta["BLOCK_M"]) * triton.cdiv(meta["N"], meta["BLOCK_N"]),)

@triton.autotune(
    configs=[
        triton.Config({"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 32}, num_warps=4, num_stages=2),
        triton.Config({"BLOCK_M": 64, "BLOCK_N": 32, "BLOCK_K": 32}, num_warps=4, num_stages=3),
    ],
    key=["M", "N", "K"],
)
@triton.jit
def matmul(a, b, c, M, N, K, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr):
    columns = tl.cdiv(N, BLOCK_N)
    row = tl.program_id(0) // columns * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(0) % columns * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for k in range(0, K, BLOCK_K):
        inner = k + tl.arange(0, BLOCK_K)
        left = tl.load(a + row[:, None] * K + inner[None, :], mask=(row[:, None] < M) & (inner[None, :] < K), other=0.0)
        right = tl.load(b + inner[:, None] * N + column[None, :], mask=(inner[:, None] < K) & (column[None, :] < N), other=0.0)
        total += tl.dot(left, right, input_precision="ieee")
    tl.store(c + row[:, None] * N + column[None, :], total, mask=(row[:, None] < M) & (column[None, :] < N))
"""

# The launch is Python's: as users write it, returning what it made.
LAUNCHER = VECTOR_ADD + """
import torch

def run(x, y):
    out = torch.empty_like(x)
    add[(triton.cdiv(x.numel(), 256),)](x, y, out, x.numel(), BLOCK=256)
    return out
"""

# Tensor descriptors that the kernel makes lie in scratch memory that it is given.
DESCRIPTOR = """
import triton
import triton.language as tl

@triton.jit
def copy(x, out, rows, columns, BLOCK: tl.constexpr):
    source = tl.make_tensor_descriptor(x, shape=[rows, columns], strides=[columns, 1], block_shape=[BLOCK, BLOCK])
    target = tl.make_tensor_descriptor(out, shape=[rows, columns], strides=[columns, 1], block_shape=[BLOCK, BLOCK])
    at = [tl.program_id(0) * BLOCK, tl.program_id(1) * BLOCK]
    target.store(at, source.load(at))
"""


def tensor(name, shape, role="input", dtype="float32"):
    return {"name": name, "type": "tensor", "role": role, "tensor_spec": {"shape": shape, "dtype": dtype}}


def scalar(name, value, meta=False):
    kind = {bool: "bool", int: "int", float: "float", str: "str"}[type(value)]
    return {"name": name, "type": kind, "role": "input", "value": value, **({"is_meta": True} if meta else {})}


def contract(arguments, grid=(1, 1, 1), **launch):
    if grid is not None:
        launch["grid"] = dict(zip("xyz", grid))
    return {"args": arguments, "launch": launch}


def vector_add(n=1000, block=256, names=("x", "y", "out")):
    x, y, out = names
    return contract(
        [tensor(x, [n]), tensor(y, [n]), tensor(out, [n], "output"), scalar("n", n), scalar("BLOCK", block, meta=True)],
        (-(-n // block), 1, 1))


def softmax(rows=64, columns=100):
    return contract(
        [tensor("x", [rows, columns]), tensor("out", [rows, columns], "output"), scalar("columns", columns),
         scalar("scale", 0.5), scalar("BLOCK", 128, meta=True)], (rows, 1, 1), num_warps=2)


def matmul(m=96, n=72, k=80):
    return contract(
        [tensor("a", [m, k]), tensor("b", [k, n]), tensor("c", [m, n], "output"), scalar("M", m), scalar("N", n),
         scalar("K", k)], None)


def descriptor(rows=128, columns=192, block=64):
    return contract(
        [tensor("x", [rows, columns]), tensor("out", [rows, columns], "output"), scalar("rows", rows),
         scalar("columns", columns), scalar("BLOCK", block, meta=True)], (rows // block, columns // block, 1))
