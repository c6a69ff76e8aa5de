# SPDX-License-Identifier: Apache-2.0
# Style: #if, #ifdef and __CUDA_ARCH__ around kernels and inside them
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

#ifndef BLOCK
#define BLOCK 64
#endif

#if defined(USE_SLOW_PATH) && USE_SLOW_PATH
__global__ void path_kernel(const float* x, float* y, int n) { this does not compile }
#else
__global__ void path_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * BLOCK + threadIdx.x;
    if (i < n) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 700
        y[i] = __fmaf_rn(x[i], 2.0f, 1.0f);
#elif defined(__CUDA_ARCH__)
        y[i] = x[i] * 2.0f + 1.0f;
#endif
    }
}
#endif

#ifdef __CUDACC__
#define HD __host__ __device__
#else
#define HD
#endif

HD inline int divide_up(int a, int b) { return (a + b - 1) / b; }

#if 0
__global__ void dead_kernel(float* x) { x[0] = 1; }
torch::Tensor dead(torch::Tensor x) { dead_kernel<<<1, 1>>>(x.data_ptr<float>()); return x; }
#endif

torch::Tensor path(torch::Tensor x) {
    auto y = torch::empty_like(x);
#ifdef NDEBUG
    const int n = (int)x.numel();
#else
    const int n = static_cast<int>(x.numel());
#endif
    path_kernel<<<divide_up(n, BLOCK), BLOCK>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""

ext = load_inline(
    name="conditional", cpp_sources="torch::Tensor path(torch::Tensor x);", cuda_sources=source, functions=["path"]
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.path(x)


def expected(model, x):
    return x * 2 + 1


def get_inputs():
    return [torch.randn(100)]


def get_init_inputs():
    return []
