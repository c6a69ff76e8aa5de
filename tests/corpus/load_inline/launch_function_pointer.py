# SPDX-License-Identifier: Apache-2.0
# Style: kernels as function pointers: a variable, a table and a template's address
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

template <int POWER>
__global__ void power_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float v = 1.f;
#pragma unroll
    for (int p = 0; p < POWER; ++p) v *= x[i];
    y[i] = v;
}

using Kernel = void (*)(const float*, float*, int);

torch::Tensor powers(torch::Tensor x, int64_t power) {
    static const Kernel table[] = {power_kernel<1>, power_kernel<2>, &power_kernel<3>};
    TORCH_CHECK(power >= 1 && power <= 4);
    auto kernel = power <= 3 ? table[power - 1] : power_kernel<4>;
    auto y = torch::empty_like(x);
    int n = x.numel();
    kernel<<<(n + 63) / 64, 64>>>(x.data_ptr<float>(), y.data_ptr<float>(), n);
    return y;
}
"""

ext = load_inline(
    name="power_table",
    cpp_sources="torch::Tensor powers(torch::Tensor x, int64_t power);",
    cuda_sources=source,
    functions=["powers"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return torch.stack([ext.powers(x, power) for power in range(1, 5)])


def expected(model, x):
    return torch.stack([x**power for power in range(1, 5)])


def get_inputs():
    return [torch.randn(321)]


def get_init_inputs():
    return []
