# SPDX-License-Identifier: Apache-2.0
# Style: an explicit stream 0, cudaGetLastError, cudaDeviceSynchronize, printf of errors
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>
#include <cstdio>
#include <cstdlib>

#define gpuErrchk(ans) { gpuAssert((ans), __FILE__, __LINE__); }
inline void gpuAssert(cudaError_t code, const char* file, int line, bool abort = true) {
    if (code != cudaSuccess) {
        fprintf(stderr, "GPUassert: %s %s %d\n", cudaGetErrorString(code), file, line);
        if (abort) exit(code);
    }
}

__global__ void triangle_kernel(const float* x, float* y, int n) {
    int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y;
    if (c < n) y[r * n + c] = c <= r ? x[r * n + c] : 0.0f;
}

torch::Tensor lower_triangle(torch::Tensor x) {
    AT_ASSERTM(x.type().is_cuda(), "x must be a CUDA tensor");
    AT_ASSERT(x.size(0) == x.size(1));
    auto y = torch::empty_like(x);
    cudaStream_t stream = 0;
    const int n = x.size(0);
    triangle_kernel<<<dim3((n + 31) / 32, n), dim3(32), 0, stream>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    cudaError_t err = cudaGetLastError();
    if (err != cudaSuccess) throw std::runtime_error(cudaGetErrorString(err));
    gpuErrchk(cudaPeekAtLastError());
    gpuErrchk(cudaDeviceSynchronize());
    return y;
}
"""

ext = load_inline("triangle_ext", "torch::Tensor lower_triangle(torch::Tensor x);", source, functions=["lower_triangle"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.lower_triangle(x)


def expected(model, x):
    return x.tril()


def get_inputs():
    return [torch.randn(45, 45)]


def get_init_inputs():
    return []
