# SPDX-License-Identifier: Apache-2.0
# Style: cudaLaunchKernel with an array of void* and cudaLaunchKernelEx with attributes
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <c10/cuda/CUDAException.h>

template <typename T>
__global__ void ramp_kernel(const T* x, T* y, T start, T step, long long n) {
    long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * (start + step * static_cast<T>(i));
}

torch::Tensor ramp(torch::Tensor x) {
    auto y = torch::empty_like(x), z = torch::empty_like(x);
    const float* in = x.data_ptr<float>();
    float* out = y.data_ptr<float>();
    float start = 0.5f, step = 0.001f;
    long long n = x.numel();
    void* arguments[5] = {&in, &out, &start, &step, &n};
    C10_CUDA_CHECK(cudaLaunchKernel(reinterpret_cast<const void*>(&ramp_kernel<float>), dim3((n + 255) / 256),
                                    dim3(256), arguments, 0, at::cuda::getCurrentCUDAStream()));

    cudaLaunchConfig_t config = {};
    config.gridDim = dim3((n + 127) / 128);
    config.blockDim = dim3(128);
    config.stream = at::cuda::getCurrentCUDAStream();
    cudaLaunchAttribute attribute[1];
    attribute[0].id = cudaLaunchAttributePriority;
    attribute[0].val.priority = 0;
    config.attrs = attribute;
    config.numAttrs = 1;
    C10_CUDA_CHECK(cudaLaunchKernelEx(&config, ramp_kernel<float>, (const float*)out, z.data_ptr<float>(), start, step, n));
    return z;
}
"""

ext = load_inline("ramp_ext", "torch::Tensor ramp(torch::Tensor x);", source, functions=["ramp"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.ramp(x)


def expected(model, x):
    ramp = 0.5 + 0.001 * torch.arange(x.numel(), device=x.device)
    return x * ramp * ramp


def get_inputs():
    return [torch.randn(900)]


def get_init_inputs():
    return []
