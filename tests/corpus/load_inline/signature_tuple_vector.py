# SPDX-License-Identifier: Apache-2.0
# Style: std::tuple and std::vector of tensors as results, structured bindings
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

__global__ void split_kernel(const float* x, float* positive, float* negative, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        positive[i] = x[i] > 0 ? x[i] : 0;
        negative[i] = x[i] < 0 ? x[i] : 0;
    }
}

std::tuple<torch::Tensor, torch::Tensor> split_signs(torch::Tensor x) {
    auto positive = torch::empty_like(x), negative = torch::empty_like(x);
    split_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), positive.data_ptr<float>(),
                                                   negative.data_ptr<float>(), x.numel());
    return {positive, negative};
}

std::vector<at::Tensor> split_all(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> found;
    for (const auto& tensor : tensors) {
        auto [positive, negative] = split_signs(tensor);
        found.push_back(positive - negative);
    }
    return found;
}
"""

ext = load_inline(
    name="split_signs_ext",
    cpp_sources="""
std::tuple<torch::Tensor, torch::Tensor> split_signs(torch::Tensor x);
std::vector<at::Tensor> split_all(const std::vector<at::Tensor>& tensors);
""",
    cuda_sources=source,
    functions=["split_signs", "split_all"],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        positive, negative = ext.split_signs(a)
        return [positive, negative, *ext.split_all([a, b])]


def expected(model, a, b):
    return a.clamp(min=0), a.clamp(max=0), a.abs(), b.abs()


def get_inputs():
    return [torch.randn(81), torch.randn(3, 3)]


def get_init_inputs():
    return []
