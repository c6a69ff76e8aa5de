# SPDX-License-Identifier: Apache-2.0
# Style: a class method that compiles once and keeps the module in the class
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

class ModelNew(nn.Module):
    _module = None

    @classmethod
    def _compile(cls):
        if cls._module is None:
            cls._module = load_inline(
                name="mish_cached",
                cpp_sources="torch::Tensor mish(torch::Tensor x);",
                cuda_sources="""
#include <torch/extension.h>
__global__ void mish_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * tanhf(log1pf(expf(x[i])));
}
torch::Tensor mish(torch::Tensor x) {
    auto y = torch::empty_like(x);
    mish_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}
""",
                functions=["mish"],
            )
        return cls._module

    def __init__(self):
        super().__init__()
        if not torch.cuda.is_available():
            raise RuntimeError("a GPU is needed")

    def forward(self, x):
        return self._compile().mish(x)


def expected(model, x):
    return torch.nn.functional.mish(x)


def get_inputs():
    return [torch.randn(1000)]


def get_init_inputs():
    return []
