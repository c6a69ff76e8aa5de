# SPDX-License-Identifier: Apache-2.0
# Style: several load_inline calls in one file, one after the other
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

add_source = """
#include <torch/extension.h>
__global__ void add_kernel(const float* a, const float* b, float* c, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) c[i] = a[i] + b[i];
}
torch::Tensor elementwise_add(torch::Tensor a, torch::Tensor b) {
    auto c = torch::empty_like(a);
    add_kernel<<<(a.numel() + 255) / 256, 256>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(),
                                                 a.numel());
    return c;
}
"""

tanh_source = """
#include <torch/extension.h>
__global__ void tanh_kernel(const float* a, float* b, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) b[i] = tanhf(a[i]);
}
torch::Tensor elementwise_tanh(torch::Tensor a) {
    auto b = torch::empty_like(a);
    tanh_kernel<<<(a.numel() + 255) / 256, 256>>>(a.data_ptr<float>(), b.data_ptr<float>(), a.numel());
    return b;
}
"""

add = load_inline(
    name="elementwise_add",
    cpp_sources="torch::Tensor elementwise_add(torch::Tensor a, torch::Tensor b);",
    cuda_sources=add_source,
    functions=["elementwise_add"],
    verbose=False,
)

tanh = load_inline(
    name="elementwise_tanh",
    cpp_sources="torch::Tensor elementwise_tanh(torch::Tensor a);",
    cuda_sources=tanh_source,
    functions=["elementwise_tanh"],
    verbose=False,
)


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.add, self.tanh = add, tanh

    def forward(self, a, b):
        return self.tanh.elementwise_tanh(self.add.elementwise_add(a, b))


def expected(model, a, b):
    return torch.tanh(a + b)


def get_inputs():
    return [torch.randn(77, 13), torch.randn(77, 13)]


def get_init_inputs():
    return []
