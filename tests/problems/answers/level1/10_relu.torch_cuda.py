# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cuda = r"""
#include <torch/extension.h>

__global__ void relu_kernel(const float4* x, float4* y, int fours) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < fours) {
    float4 v = x[i];
    y[i] = make_float4(fmaxf(v.x, 0), fmaxf(v.y, 0), fmaxf(v.z, 0), fmaxf(v.w, 0));
  }
}
__global__ void relu_tail(const float* x, float* y, int first, int n) {
  int i = first + threadIdx.x;
  if (i < n) y[i] = fmaxf(x[i], 0);
  //wrong tail_copied: if (i < n) y[i] = x[i];
}
torch::Tensor relu(torch::Tensor x) {
  auto y = torch::empty_like(x);
  int n = x.numel(), fours = n / 4;
  relu_kernel<<<(fours + 127) / 128, 128>>>(reinterpret_cast<const float4*>(x.data_ptr<float>()),
                                            reinterpret_cast<float4*>(y.data_ptr<float>()), fours);
  relu_tail<<<1, 4>>>(x.data_ptr<float>(), y.data_ptr<float>(), fours * 4, n);
  return y;
}
"""
extension = load_inline(name="relu", cpp_sources=["torch::Tensor relu(torch::Tensor x);"], cuda_sources=[cuda], functions=["relu"])


class ModelNew(nn.Module):
    def forward(self, x):
        return extension.relu(x)
