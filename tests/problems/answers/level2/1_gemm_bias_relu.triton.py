# SPDX-License-Identifier: Apache-2.0
# io: x[70,90] -> y[70,50]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def gemm_bias_relu(x, weight, bias, y, M, N, K, SIDE: tl.constexpr):
    row = tl.program_id(0) * SIDE + tl.arange(0, SIDE)
    column = tl.program_id(1) * SIDE + tl.arange(0, SIDE)
    total = tl.zeros((SIDE, SIDE), dtype=tl.float32)
    for first in range(0, K, SIDE):
        k = first + tl.arange(0, SIDE)
        left = tl.load(x + row[:, None] * K + k[None, :], mask=(row[:, None] < M) & (k[None, :] < K), other=0.0)
        right = tl.load(weight + column[None, :] * K + k[:, None], mask=(column[None, :] < N) & (k[:, None] < K), other=0.0)
        total += tl.dot(left, right, input_precision="ieee")
    total = tl.maximum(total + tl.load(bias + column, mask=column < N, other=0.0)[None, :], 0.0)
    #wrong bias_after_the_activation: total = tl.maximum(total, 0.0) + tl.load(bias + column, mask=column < N, other=0.0)[None, :]
    #wrong leaks_a_little: total = total + tl.load(bias + column, mask=column < N, other=0.0)[None, :]; total = tl.where(total > 0, total, total * 0.001)
    tl.store(y + row[:, None] * N + column[None, :], total, mask=(row[:, None] < M) & (column[None, :] < N))


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, bias_shape):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features, bias=False)
        self.bias = nn.Parameter(torch.randn(bias_shape))

    def forward(self, x):
        (M, K), N = x.shape, self.bias.shape[0]
        y = torch.empty(M, N, device=x.device)
        gemm_bias_relu[(triton.cdiv(M, 32), triton.cdiv(N, 32))](x, self.gemm.weight, self.bias, y, M, N, K, SIDE=32)
        return y
