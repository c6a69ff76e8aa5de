# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda_source = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>

__global__ void relu_bias(const float* __restrict__ x, const float* __restrict__ bias, float* __restrict__ y, int plane,
                          int channels, int64_t n) {
  const int64_t stride = static_cast<int64_t>(blockDim.x) * gridDim.x;
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < n; i += stride) {
    y[i] = fmaxf(x[i], 0.f) + bias[i / plane % channels];
    //wrong channel_of_the_rounded_plane: y[i] = fmaxf(x[i], 0.f) + bias[i / (plane + 1) % channels];
  }
}

torch::Tensor relu_bias_forward(torch::Tensor x, torch::Tensor bias) {
  auto y = torch::empty_like(x);
  relu_bias<<<16, 256, 0, at::cuda::getCurrentCUDAStream()>>>(
      x.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(), x.size(2) * x.size(3), x.size(1), x.numel());
  return y;
}
"""


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, bias_shape):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size)
        self.bias = nn.Parameter(torch.randn(bias_shape))
        self.fused = load_inline(
            name=f"relu_bias_{out_channels}",
            cpp_sources="torch::Tensor relu_bias_forward(torch::Tensor x, torch::Tensor bias);",
            cuda_sources=cuda_source,
            functions=["relu_bias_forward"],
            with_cuda=True,
        )

    def forward(self, x):
        return self.fused.relu_bias_forward(self.conv(x).contiguous(), self.bias)
