# SPDX-License-Identifier: Apache-2.0
# Style: AT_DISPATCH_FLOATING_TYPES over float and double
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

template <typename scalar_t>
__global__ void softplus_kernel(const scalar_t* __restrict__ x, scalar_t* __restrict__ y, size_t size) {
    const int index = blockIdx.x * blockDim.x + threadIdx.x;
    if (index < size) {
        const scalar_t v = x[index];
        y[index] = v > scalar_t(20) ? v : log1p(exp(v));
    }
}

torch::Tensor softplus_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    const auto size = x.numel();
    const int threads = 256;
    const int blocks = (size + threads - 1) / threads;
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "softplus_cuda", ([&] {
        softplus_kernel<scalar_t><<<blocks, threads>>>(x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), size);
    }));
    return y;
}
"""

softplus = load_inline(
    name="softplus",
    cpp_sources="torch::Tensor softplus_cuda(torch::Tensor x);",
    cuda_sources=source,
    functions=["softplus_cuda"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return softplus.softplus_cuda(x), softplus.softplus_cuda(x.double())


def expected(model, x):
    return torch.nn.functional.softplus(x), torch.nn.functional.softplus(x.double())


def get_inputs():
    return [torch.randn(50, 21) * 10]


def get_init_inputs():
    return []
