# SPDX-License-Identifier: Apache-2.0
# Style: scratch memory by cudaMalloc and cudaMallocAsync, host copies by cudaMemcpy
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_runtime.h>
#include <vector>

__global__ void block_sums_kernel(const float* x, double* sums, int n) {
    __shared__ double shared[128];
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    shared[threadIdx.x] = i < n ? x[i] : 0.0;
    __syncthreads();
    for (int s = 64; s > 0; s >>= 1) {
        if (threadIdx.x < s) shared[threadIdx.x] += shared[threadIdx.x + s];
        __syncthreads();
    }
    if (threadIdx.x == 0) sums[blockIdx.x] = shared[0];
}

__global__ void offset_kernel(const float* x, float* y, const double* offset, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] - (float)offset[0];
}

torch::Tensor remove_mean(torch::Tensor x) {
    const int n = x.numel(), blocks = (n + 127) / 128;
    double *sums = nullptr, *offset = nullptr;
    cudaMalloc(&sums, blocks * sizeof(double));
    cudaMallocAsync((void**)&offset, sizeof(double), 0);
    block_sums_kernel<<<blocks, 128>>>(x.data_ptr<float>(), sums, n);
    std::vector<double> host(blocks);
    cudaMemcpy(host.data(), sums, blocks * sizeof(double), cudaMemcpyDeviceToHost);
    double total = 0;
    for (double part : host) total += part;
    total /= n;
    cudaMemcpy(offset, &total, sizeof(double), cudaMemcpyHostToDevice);
    auto y = torch::empty_like(x);
    offset_kernel<<<blocks, 128>>>(x.data_ptr<float>(), y.data_ptr<float>(), offset, n);
    cudaFreeAsync(offset, 0);
    cudaFree(sums);
    return y;
}
"""

ext = load_inline("remove_mean_ext", "torch::Tensor remove_mean(torch::Tensor x);", source, functions=["remove_mean"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.remove_mean(x)


def expected(model, x):
    return x - x.double().mean().float()


def get_inputs():
    return [torch.randn(4000) + 3]


def get_init_inputs():
    return []
