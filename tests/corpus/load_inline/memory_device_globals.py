# SPDX-License-Identifier: Apache-2.0
# Style: __device__ variables, their address on the host, a device function table
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_runtime.h>

__device__ float d_scale = 2.0f;
__device__ float d_scratch[1024];
__device__ const float d_table[4] = {1.0f, -1.0f, 0.5f, -0.5f};

__global__ void fill_scratch_kernel(const float* x, int n) {
    int i = threadIdx.x;
    if (i < n) d_scratch[i] = x[i] * d_scale;
}

__global__ void read_scratch_kernel(float* y, int n) {
    int i = threadIdx.x;
    if (i < n) y[i] = d_scratch[n - 1 - i] * d_table[i % 4];
}

torch::Tensor reversed(torch::Tensor x) {
    TORCH_CHECK(x.numel() <= 1024);
    float scale = 3.0f;
    cudaMemcpyToSymbol(d_scale, &scale, sizeof(float));
    void* address = nullptr;
    TORCH_CHECK(cudaGetSymbolAddress(&address, d_scratch) == cudaSuccess && address != nullptr);
    cudaMemset(address, 0, sizeof(float) * 1024);
    auto y = torch::empty_like(x);
    fill_scratch_kernel<<<1, 1024>>>(x.data_ptr<float>(), x.numel());
    read_scratch_kernel<<<1, 1024>>>(y.data_ptr<float>(), x.numel());
    return y;
}
"""

ext = load_inline("device_globals", "torch::Tensor reversed(torch::Tensor x);", source, functions=["reversed"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.reversed(x)


def expected(model, x):
    signs = torch.tensor([1.0, -1.0, 0.5, -0.5], device=x.device).repeat(x.numel() // 4)
    return x.flip(0) * 3 * signs


def get_inputs():
    return [torch.randn(400)]


def get_init_inputs():
    return []
