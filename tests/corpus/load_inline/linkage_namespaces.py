# SPDX-License-Identifier: Apache-2.0
# Style: kernels in an anonymous and in nested namespaces, with using directives
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

namespace {

constexpr int kThreads = 96;

__device__ __forceinline__ float clip(float v) { return fminf(fmaxf(v, -1.f), 1.f); }

__global__ void hardtanh_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = clip(x[i]);
}

}  // namespace

namespace corpus::parts {

__global__ void shrink_kernel(const float* x, float* y, float limit, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = fabsf(x[i]) > limit ? x[i] : 0.0f;
}

}  // namespace corpus::parts

namespace corpus {

at::Tensor bounded(const at::Tensor& x) {
    auto y = at::empty_like(x);
    hardtanh_kernel<<<(x.numel() + kThreads - 1) / kThreads, kThreads>>>(x.data_ptr<float>(), y.data_ptr<float>(),
                                                                         x.numel());
    return y;
}

}  // namespace corpus

using namespace corpus;

torch::Tensor run(torch::Tensor x, double limit) {
    auto y1 = bounded(x);
    auto y = torch::empty_like(x);
    parts::shrink_kernel<<<(x.numel() + kThreads - 1) / kThreads, kThreads>>>(
        y1.data_ptr<float>(), y.data_ptr<float>(), limit, x.numel());
    return y;
}
"""

ext = load_inline(
    name="namespaces",
    cpp_sources="torch::Tensor run(torch::Tensor x, double limit);",
    cuda_sources=source,
    functions=["run"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.run(x, 0.3)


def expected(model, x):
    return torch.nn.functional.hardshrink(torch.nn.functional.hardtanh(x), 0.3)


def get_inputs():
    return [torch.randn(41, 5)]


def get_init_inputs():
    return []
