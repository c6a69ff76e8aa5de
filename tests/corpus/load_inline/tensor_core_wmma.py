# SPDX-License-Identifier: Apache-2.0
# Style: nvcuda::wmma fragments from mma.h
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_fp16.h>
#include <mma.h>

using namespace nvcuda;

__global__ void wmma_matmul_kernel(const half* a, const half* b, float* c, int m, int n, int k) {
    const int row = blockIdx.y * 16, column = blockIdx.x * 16;
    wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> fa;
    wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> fb;
    wmma::fragment<wmma::accumulator, 16, 16, 16, float> fc;
    wmma::fill_fragment(fc, 0.0f);
    for (int i = 0; i < k; i += 16) {
        wmma::load_matrix_sync(fa, a + row * k + i, k);
        wmma::load_matrix_sync(fb, b + column * k + i, k);
        wmma::mma_sync(fc, fa, fb, fc);
    }
    wmma::store_matrix_sync(c + row * n + column, fc, n, wmma::mem_row_major);
}

torch::Tensor matmul_wmma(torch::Tensor a, torch::Tensor b) {
    const int m = a.size(0), k = a.size(1), n = b.size(0);
    TORCH_CHECK(m % 16 == 0 && n % 16 == 0 && k % 16 == 0, "multiples of 16");
    auto c = torch::empty({m, n}, a.options().dtype(torch::kFloat));
    wmma_matmul_kernel<<<dim3(n / 16, m / 16), 32>>>(reinterpret_cast<half*>(a.data_ptr<at::Half>()),
                                                     reinterpret_cast<half*>(b.data_ptr<at::Half>()),
                                                     c.data_ptr<float>(), m, n, k);
    return c;
}
"""

ext = load_inline(
    name="matmul_wmma_ext",
    cpp_sources="torch::Tensor matmul_wmma(torch::Tensor a, torch::Tensor b);",
    cuda_sources=source,
    functions=["matmul_wmma"],
    extra_cuda_cflags=["-O3", "--use_fast_math"],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.matmul_wmma(a.half(), b.half())


def expected(model, a, b):
    return a.half().float() @ b.half().float().t()


def get_inputs():
    return [torch.randn(48, 64), torch.randn(32, 64)]


def get_init_inputs():
    return []
