# SPDX-License-Identifier: Apache-2.0
# Style: kernel templates over integers, chosen by a switch
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_runtime.h>

template <int WIDTH, bool ABSOLUTE>
__global__ void stencil_kernel(const float* __restrict__ x, float* __restrict__ y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float sum = 0.0f;
#pragma unroll
    for (int k = -WIDTH; k <= WIDTH; ++k) {
        const int j = i + k;
        if (j >= 0 && j < n) sum += ABSOLUTE ? fabsf(x[j]) : x[j];
    }
    y[i] = sum / (2 * WIDTH + 1);
}

torch::Tensor stencil(torch::Tensor x, int64_t width, bool absolute) {
    auto y = torch::empty_like(x);
    const int n = x.numel(), threads = 128, blocks = (n + threads - 1) / threads;
    const float* in = x.data_ptr<float>();
    float* out = y.data_ptr<float>();
    switch (width) {
        case 1:
            if (absolute) stencil_kernel<1, true><<<blocks, threads>>>(in, out, n);
            else stencil_kernel<1, false><<<blocks, threads>>>(in, out, n);
            break;
        case 2:
            if (absolute) stencil_kernel<2, true><<<blocks, threads>>>(in, out, n);
            else stencil_kernel<2, false><<<blocks, threads>>>(in, out, n);
            break;
        default:
            TORCH_CHECK(false, "width must be 1 or 2, not ", width);
    }
    return y;
}
"""

ext = load_inline(
    name="stencil_ext",
    cpp_sources="torch::Tensor stencil(torch::Tensor x, int64_t width, bool absolute);",
    cuda_sources=source,
    functions=["stencil"],
    extra_cuda_cflags=["-O3"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.stencil(x, 1, False), ext.stencil(x, 2, True)


def expected(model, x):
    def mean(x, width):
        ones = torch.ones(1, 1, 2 * width + 1, device=x.device) / (2 * width + 1)
        return torch.nn.functional.conv1d(x.view(1, 1, -1), ones, padding=width).view(-1)

    return mean(x, 1), mean(x.abs(), 2)


def get_inputs():
    return [torch.randn(700)]


def get_init_inputs():
    return []
