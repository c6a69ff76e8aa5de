# SPDX-License-Identifier: Apache-2.0
# Style: static kernels, extern "C" blocks and the two words in either order
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

static __global__ void first_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = floorf(x[i]);
}

__global__ static void second_kernel(float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] *= 0.5f;
}

extern "C" {
__global__ void third_kernel(float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] += 1.0f;
}
}

extern "C" __global__ void fourth_kernel(float* y, int n);

__global__ __launch_bounds__(128) void fifth_kernel(float* y, int n);

static inline int blocks_for(int n) { return (n + 127) / 128; }

torch::Tensor chain(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const int n = static_cast<int>(x.numel());
    first_kernel<<<blocks_for(n), 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    second_kernel<<<blocks_for(n), 128>>>(y.data_ptr<float>(), n);
    third_kernel<<<blocks_for(n), 128>>>(y.data_ptr<float>(), n);
    fourth_kernel<<<blocks_for(n), 128>>>(y.data_ptr<float>(), n);
    fifth_kernel<<<blocks_for(n), 128>>>(y.data_ptr<float>(), n);
    return y;
}

extern "C" __global__ void fourth_kernel(float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = y[i] * y[i];
}

__global__ void __launch_bounds__(128) fifth_kernel(float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] -= 2.0f;
}
"""

ext = load_inline("linkage", "torch::Tensor chain(torch::Tensor x);", source, functions=["chain"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.chain(x)


def expected(model, x):
    return (x.floor() * 0.5 + 1) ** 2 - 2


def get_inputs():
    return [torch.randn(640) * 5]


def get_init_inputs():
    return []
