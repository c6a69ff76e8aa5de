# SPDX-License-Identifier: Apache-2.0
# Style: __half2 arithmetic, operators switched on by -U flags
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_fp16.h>

__global__ void muladd_half2_kernel(const half2* a, const half2* b, half2* c, int n2) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n2) {
        half2 scale = __float2half2_rn(0.5f);
        c[i] = __hfma2(a[i], scale, b[i]) * scale + a[i];
    }
}

torch::Tensor muladd_half2(torch::Tensor a, torch::Tensor b) {
    TORCH_CHECK(a.numel() % 2 == 0, "an even number of elements");
    auto c = torch::empty_like(a);
    int n2 = a.numel() / 2;
    muladd_half2_kernel<<<(n2 + 127) / 128, 128>>>((const half2*)a.data_ptr<c10::Half>(), (const half2*)b.data_ptr(),
                                                   (half2*)c.data_ptr<at::Half>(), n2);
    return c;
}
"""

ext = load_inline(
    name="muladd_half2_ext",
    cpp_sources="torch::Tensor muladd_half2(torch::Tensor a, torch::Tensor b);",
    cuda_sources=source,
    functions=["muladd_half2"],
    extra_cuda_cflags=["-O3", "-U__CUDA_NO_HALF_OPERATORS__", "-U__CUDA_NO_HALF_CONVERSIONS__", "-U__CUDA_NO_HALF2_OPERATORS__"],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.muladd_half2(a, b)


def expected(model, a, b):
    a, b = a.float(), b.float()
    return ((0.5 * a + b) * 0.5 + a).half()


def get_inputs():
    return [torch.randn(64, 10).half(), torch.randn(64, 10).half()]


def get_init_inputs():
    return []
