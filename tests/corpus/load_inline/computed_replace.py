# SPDX-License-Identifier: Apache-2.0
# Style: a template filled by str.replace with what the constructor knows
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

TEMPLATE = """
#include <torch/extension.h>

__global__ void window_sum_kernel(const @TYPE@* x, @TYPE@* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    @TYPE@ sum = 0;
    for (int k = 0; k < @WINDOW@; ++k)
        if (i + k < n) sum += x[i + k];
    y[i] = sum;
}

torch::Tensor window_sum_@WINDOW@(torch::Tensor x) {
    auto y = torch::empty_like(x);
    int n = x.numel();
    window_sum_kernel<<<(n + 127) / 128, 128>>>(x.data_ptr<@TYPE@>(), y.data_ptr<@TYPE@>(), n);
    return y;
}
"""


def build(window, type_name):
    source = TEMPLATE.replace("@WINDOW@", str(window)).replace("@TYPE@", type_name)
    name = f"window_sum_{window}"
    module = load_inline(name + "_ext", f"torch::Tensor {name}(torch::Tensor x);", source, functions=[name])
    return getattr(module, name)


class ModelNew(nn.Module):
    def __init__(self, window):
        super().__init__()
        self.window = window
        self.run = build(window, "double")

    def forward(self, x):
        return self.run(x)


def expected(model, x):
    padded = torch.cat([x, x.new_zeros(model.window - 1)])
    return padded.unfold(0, model.window, 1).sum(1)


def get_inputs():
    return [torch.randn(500, dtype=torch.float64)]


def get_init_inputs():
    return [5]
