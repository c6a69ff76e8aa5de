# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

cpp = "torch::Tensor add_relu(torch::Tensor x, torch::Tensor bias);"
cuda = r"""
__global__ void add_relu_kernel(float* x, const float* bias, int columns, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  float value = x[i] + bias[i % columns];
  //wrong bias_of_the_next_column: float value = x[i] + bias[i % columns == columns - 1 ? 0 : i % columns];
  x[i] = value > 0 ? value : 0;
}
torch::Tensor add_relu(torch::Tensor x, torch::Tensor bias) {
  int n = x.numel();
  add_relu_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), bias.data_ptr<float>(), bias.numel(), n);
  return x;
}
"""
fused = load_inline(name="add_relu", cpp_sources=cpp, cuda_sources=cuda, functions={"add_relu": "x = relu(x + bias), in place"})


class ModelNew(nn.Module):
    def __init__(self, in_features, out_features, bias_shape):
        super().__init__()
        self.gemm = nn.Linear(in_features, out_features, bias=False)
        self.bias = nn.Parameter(torch.randn(bias_shape))

    def forward(self, x):
        return fused.add_relu(self.gemm(x).detach(), self.bias)
