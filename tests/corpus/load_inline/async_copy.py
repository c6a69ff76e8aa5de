# SPDX-License-Identifier: Apache-2.0
# Style: asynchronous copies to shared memory: cp.async by PTX and the pipeline primitives
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_pipeline.h>

__device__ __forceinline__ void cp_async16(void* shared, const void* global) {
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(shared));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;\n" ::"r"(address), "l"(global));
}

__global__ void smooth_kernel(const float* __restrict__ x, float* __restrict__ y, int tiles) {
    __shared__ alignas(16) float buffer[2][256];
    const int tid = threadIdx.x;
    for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
        cp_async16(&buffer[0][tid * 4], x + tile * 256 + tid * 4);
        asm volatile("cp.async.commit_group;\n" ::);
        asm volatile("cp.async.wait_group 0;\n" ::: "memory");
        __pipeline_memcpy_async(&buffer[1][tid * 4], x + (tile + 1) % tiles * 256 + tid * 4, sizeof(float4));
        __pipeline_commit();
        __pipeline_wait_prior(0);
        __syncthreads();
        for (int k = 0; k < 4; ++k) y[tile * 256 + tid * 4 + k] = 0.5f * (buffer[0][tid * 4 + k] + buffer[1][255 - tid * 4 - k]);
        __syncthreads();
    }
}

torch::Tensor smooth(torch::Tensor x) {
    TORCH_CHECK(x.numel() % 256 == 0, "whole tiles only");
    auto y = torch::empty_like(x);
    smooth_kernel<<<4, 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel() / 256);
    return y;
}
"""

ext = load_inline("smooth_async", "torch::Tensor smooth(torch::Tensor x);", source, functions=["smooth"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.smooth(x)


def expected(model, x):
    tiles = x.view(-1, 256)
    return (0.5 * (tiles + tiles.roll(-1, 0).flip(1))).view(-1)


def get_inputs():
    return [torch.randn(256 * 9)]


def get_init_inputs():
    return []
