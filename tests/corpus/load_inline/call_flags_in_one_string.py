# SPDX-License-Identifier: Apache-2.0
# Style: several flags in one string of the list, and empty flags
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
__global__ void reciprocal_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = rsqrtf(x[i]) * SCALE;
}
torch::Tensor scaled_rsqrt(torch::Tensor x) {
    auto y = torch::empty_like(x);
    reciprocal_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}
"""

ext = load_inline(
    name="scaled_rsqrt_ext",
    cpp_sources=["torch::Tensor scaled_rsqrt(torch::Tensor x);"],
    cuda_sources=[source],
    functions=["scaled_rsqrt"],
    extra_cflags=["", "-O2 -DNDEBUG"],
    extra_cuda_cflags=["-O3 -Xptxas -O3 -Xcompiler -O2 -DSCALE=2.0f", ""],
    extra_ldflags=[""],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.scaled_rsqrt(x)


def expected(model, x):
    return x.rsqrt() * 2


def get_inputs():
    return [torch.rand(50, 70) + 0.1]


def get_init_inputs():
    return []
