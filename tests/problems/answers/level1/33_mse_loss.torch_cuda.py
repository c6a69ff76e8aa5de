# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

sources = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void squared_error(const float* a, const float* b, float* sum, int n) {
  float own = 0;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
    const float difference = a[i] - b[i];
    own += difference * difference;
  }
  for (int offset = 16; offset > 0; offset /= 2) own += __shfl_down_sync(0xffffffff, own, offset);
  if (threadIdx.x % 32 == 0) atomicAdd(sum, own / n);
  //wrong only_the_first_warp_of_a_block: if (threadIdx.x == 0) atomicAdd(sum, own / n);
}

torch::Tensor mse(torch::Tensor a, torch::Tensor b) {
  auto sum = torch::zeros({}, a.options());
  squared_error<<<4, 64>>>(a.data_ptr<float>(), b.data_ptr<float>(), sum.data_ptr<float>(), a.numel());
  return sum;
}
"""


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.op = load_inline(name="mse_loss", cpp_sources="torch::Tensor mse(torch::Tensor, torch::Tensor);", cuda_sources=sources, functions="mse")

    def forward(self, predictions, targets):
        return self.op.mse(predictions, targets)
