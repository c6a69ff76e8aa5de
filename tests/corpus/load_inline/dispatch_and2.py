# SPDX-License-Identifier: Apache-2.0
# Style: AT_DISPATCH_FLOATING_TYPES_AND2 with Half and BFloat16 and at::opmath_type
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <ATen/Dispatch.h>
#include <ATen/OpMathType.h>
#include <ATen/cuda/CUDAContext.h>

template <typename scalar_t, typename acc_t = at::opmath_type<scalar_t>>
__global__ void normalise_kernel(const scalar_t* x, scalar_t* y, int columns, acc_t eps) {
    extern __shared__ unsigned char raw[];
    acc_t* shared = reinterpret_cast<acc_t*>(raw);
    acc_t sum = 0;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += static_cast<acc_t>(x[blockIdx.x * columns + i]);
    shared[threadIdx.x] = sum;
    __syncthreads();
    for (int s = blockDim.x / 2; s > 0; s /= 2) {
        if (threadIdx.x < s) shared[threadIdx.x] += shared[threadIdx.x + s];
        __syncthreads();
    }
    const acc_t total = shared[0] + eps;
    for (int i = threadIdx.x; i < columns; i += blockDim.x)
        y[blockIdx.x * columns + i] = static_cast<scalar_t>(static_cast<acc_t>(x[blockIdx.x * columns + i]) / total);
}

torch::Tensor normalise(torch::Tensor x) {
    auto y = torch::empty_like(x);
    AT_DISPATCH_FLOATING_TYPES_AND2(at::ScalarType::Half, at::ScalarType::BFloat16, x.scalar_type(), "normalise", [&] {
        using acc_t = at::opmath_type<scalar_t>;
        normalise_kernel<scalar_t><<<x.size(0), 64, 64 * sizeof(acc_t), at::cuda::getCurrentCUDAStream()>>>(
            x.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(), x.size(1), acc_t(1e-6));
    });
    return y;
}
"""

ext = load_inline("normalise_ext", "torch::Tensor normalise(torch::Tensor x);", source, functions=["normalise"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.normalise(x.bfloat16()), ext.normalise(x.half()), ext.normalise(x), ext.normalise(x.double())


def expected(model, x):
    def normalised(x, wide):
        return (x.to(wide) / (x.to(wide).sum(1, keepdim=True) + 1e-6)).to(x.dtype)

    narrow = [normalised(x.bfloat16(), torch.float32), normalised(x.half(), torch.float32)]
    return *narrow, normalised(x, torch.float32), normalised(x.double(), torch.float64)


def get_inputs():
    return [torch.rand(10, 100)]


def get_init_inputs():
    return []
