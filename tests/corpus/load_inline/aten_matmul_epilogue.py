# SPDX-License-Identifier: Apache-2.0
# Style: torch::matmul, at::addmm and views in the wrapper, an own kernel after them
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

__global__ void gelu_residual_kernel(const float* h, const float* r, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = r[i] + 0.5f * h[i] * (1.0f + erff(h[i] * 0.70710678f));
}

torch::Tensor block(torch::Tensor x, torch::Tensor w1, torch::Tensor b1, torch::Tensor w2) {
    auto hidden = torch::matmul(x, w1.t());
    hidden = at::addmm(b1, hidden, w2.transpose(0, 1)).contiguous();
    auto y = torch::empty_like(hidden);
    const int n = hidden.numel();
    gelu_residual_kernel<<<(n + 255) / 256, 256>>>(hidden.data_ptr<float>(), x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y.view({x.size(0), -1});
}
"""

ext = load_inline(
    name="matmul_epilogue",
    cpp_sources="torch::Tensor block(torch::Tensor x, torch::Tensor w1, torch::Tensor b1, torch::Tensor w2);",
    cuda_sources=source,
    functions=["block"],
)


class ModelNew(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.first = nn.Linear(width, hidden, bias=False)
        self.second = nn.Linear(hidden, width)

    def forward(self, x):
        return ext.block(x, self.first.weight, self.second.bias, self.second.weight)


def expected(model, x):
    return x + torch.nn.functional.gelu(model.second(model.first(x)))


def get_inputs():
    return [torch.randn(16, 24)]


def get_init_inputs():
    return [24, 48]
