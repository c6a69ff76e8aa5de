# SPDX-License-Identifier: Apache-2.0
# Style: __launch_bounds__, cudaOccupancyMaxPotentialBlockSize and device properties
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <algorithm>

__global__ void __launch_bounds__(1024, 1) logit_kernel(const float* x, float* y, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        y[i] = logf(x[i] / (1.0f - x[i]));
}

torch::Tensor logit(torch::Tensor x) {
    auto y = torch::empty_like(x);
    int grid = 0, block = 0, resident = 0;
    cudaOccupancyMaxPotentialBlockSize(&grid, &block, logit_kernel, 0, 0);
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&resident, logit_kernel, block, 0);
    const cudaDeviceProp* properties = at::cuda::getCurrentDeviceProperties();
    int device = 0;
    cudaGetDevice(&device);
    int processors = 0;
    cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
    TORCH_CHECK(processors == properties->multiProcessorCount && resident >= 1 && block >= 32);
    logit_kernel<<<std::min(grid, processors * resident), block>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}
"""

ext = load_inline("logit_ext", "torch::Tensor logit(torch::Tensor x);", source, functions=["logit"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.logit(x)


def expected(model, x):
    return torch.logit(x)


def get_inputs():
    return [torch.rand(20000) * 0.98 + 0.01]


def get_init_inputs():
    return []
