# SPDX-License-Identifier: Apache-2.0
# Style: torch::tensor, torch::indexing and other makers of tensors in the wrapper
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

using namespace torch::indexing;

__global__ void gain_kernel(float* x, const float* gain, int rows, int columns) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < rows * columns) x[i] *= gain[i / columns % 3];
}

torch::Tensor shaped(torch::Tensor x) {
    auto gains = torch::tensor({0.5f, 1.0f, 2.0f}, torch::TensorOptions().device(x.device()));
    auto y = x.index({Slice(None, None, 2), "...", Slice(1, None)}).contiguous();
    gain_kernel<<<(y.numel() + 255) / 256, 256>>>(y.data_ptr<float>(), gains.data_ptr<float>(), y.size(0), y.size(1));
    auto window = torch::hann_window(y.size(1), y.options());
    y.index_put_({0, Slice()}, window);
    return y;
}
"""

ext = load_inline("shaped_ext", "torch::Tensor shaped(torch::Tensor x);", source, functions=["shaped"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.shaped(x)


def expected(model, x):
    y = x[::2, 1:] * torch.tensor([0.5, 1.0, 2.0], device=x.device).repeat(x.shape[0])[: (x.shape[0] + 1) // 2, None]
    y[0] = torch.hann_window(y.shape[1], device=x.device)
    return y


def get_inputs():
    return [torch.randn(17, 30)]


def get_init_inputs():
    return []
