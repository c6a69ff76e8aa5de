# SPDX-License-Identifier: Apache-2.0
# Style: __nv_bfloat16 and its pairs
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_bf16.h>
#include <ATen/cuda/CUDAContext.h>

__global__ void gate_bf16_kernel(const __nv_bfloat16* x, const __nv_bfloat16* g, __nv_bfloat16* y, int pairs) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= pairs) return;
    const __nv_bfloat162 a = reinterpret_cast<const __nv_bfloat162*>(x)[i];
    const float2 b = __bfloat1622float2(reinterpret_cast<const __nv_bfloat162*>(g)[i]);
    const float2 s = make_float2(1.f / (1.f + __expf(-b.x)), 1.f / (1.f + __expf(-b.y)));
    reinterpret_cast<__nv_bfloat162*>(y)[i] = __hmul2(a, __float22bfloat162_rn(s));
}

torch::Tensor gate_bf16(torch::Tensor x, torch::Tensor g) {
    auto y = torch::empty_like(x);
    const int pairs = x.numel() / 2;
    gate_bf16_kernel<<<(pairs + 255) / 256, 256, 0, at::cuda::getCurrentCUDAStream()>>>(
        reinterpret_cast<const __nv_bfloat16*>(x.data_ptr<at::BFloat16>()),
        reinterpret_cast<const __nv_bfloat16*>(g.data_ptr<at::BFloat16>()),
        reinterpret_cast<__nv_bfloat16*>(y.data_ptr<at::BFloat16>()), pairs);
    return y;
}
"""

ext = load_inline(
    "gate_bf16_ext", "torch::Tensor gate_bf16(torch::Tensor x, torch::Tensor g);", source, functions=["gate_bf16"]
)


class ModelNew(nn.Module):
    def forward(self, x, g):
        return ext.gate_bf16(x, g)


def expected(model, x, g):
    return (x.float() * torch.sigmoid(g.float())).bfloat16()


def get_inputs():
    return [torch.randn(30, 8).bfloat16(), torch.randn(30, 8).bfloat16()]


def get_init_inputs():
    return []
