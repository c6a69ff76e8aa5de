# SPDX-License-Identifier: Apache-2.0
# Style: AT_DISPATCH_SWITCH with own cases, and an own switch over scalar types
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <ATen/Dispatch_v2.h>

template <typename scalar_t>
__global__ void abs_max_kernel(const scalar_t* x, scalar_t* y, int n) {
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] < scalar_t(0) ? scalar_t(-x[i]) : x[i];
}

template <typename scalar_t>
void launch(const torch::Tensor& x, torch::Tensor& y) {
    abs_max_kernel<scalar_t><<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), x.numel());
}

torch::Tensor magnitude(torch::Tensor x) {
    auto y = torch::empty_like(x);
    AT_DISPATCH_SWITCH(x.scalar_type(), "magnitude",
        AT_DISPATCH_CASE(at::ScalarType::Float, [&] { launch<scalar_t>(x, y); })
        AT_DISPATCH_CASE(at::ScalarType::Int, [&] { launch<scalar_t>(x, y); }));
    return y;
}

torch::Tensor magnitude_by_switch(torch::Tensor x) {
    auto y = torch::empty_like(x);
    switch (x.scalar_type()) {
        case torch::kFloat64: launch<double>(x, y); break;
        case torch::kInt64: launch<int64_t>(x, y); break;
        default: TORCH_CHECK(false, "unsupported type ", x.scalar_type());
    }
    return y;
}
"""

ext = load_inline(
    name="magnitude_ext",
    cpp_sources="torch::Tensor magnitude(torch::Tensor x); torch::Tensor magnitude_by_switch(torch::Tensor x);",
    cuda_sources=source,
    functions=["magnitude", "magnitude_by_switch"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return (
            ext.magnitude(x),
            ext.magnitude((x * 10).int()),
            ext.magnitude_by_switch(x.double()),
            ext.magnitude_by_switch((x * 10).long()),
        )


def expected(model, x):
    return x.abs(), (x * 10).int().abs(), x.double().abs(), (x * 10).long().abs()


def get_inputs():
    return [torch.randn(300)]


def get_init_inputs():
    return []
