# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

text = r"""
#include <torch/extension.h>

__global__ void scatter(const float* x, const float* weight, float* y, int n, int c, int h, int w, int k, int size,
                        int stride, int P, int Q) {
  int total = n * c * h * w;
  for (int at = blockIdx.x * blockDim.x + threadIdx.x; at < total; at += gridDim.x * blockDim.x) {
    int j = at % w, i = at / w % h, channel = at / (w * h) % c, image = at / (w * h * c);
    for (int output = 0; output < k; ++output)
      for (int a = 0; a < size; ++a)
        for (int b = 0; b < size; ++b) {
          float* target = &y[((image * k + output) * P + i * stride + a) * Q + j * stride + b];
          float product = x[at] * weight[((channel * k + output) * size + a) * size + b];
          atomicAdd(target, product);
          //wrong not_atomic: *target += product;
        }
  }
}

torch::Tensor transposed(torch::Tensor x, torch::Tensor weight, int stride) {
  int n = x.size(0), c = x.size(1), h = x.size(2), w = x.size(3), k = weight.size(1), size = weight.size(2);
  int P = (h - 1) * stride + size, Q = (w - 1) * stride + size;
  auto y = torch::zeros({n, k, P, Q}, x.options());
  scatter<<<32, 128>>>(x.data_ptr<float>(), weight.data_ptr<float>(), y.data_ptr<float>(), n, c, h, w, k, size, stride, P, Q);
  return y;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("transposed", &transposed, "transposed convolution");
}
"""
op = load_inline(name="conv_transpose", cpp_sources="", cuda_sources=text)


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride):
        super().__init__()
        self.conv_transpose2d = nn.ConvTranspose2d(in_channels, out_channels, kernel_size, stride, bias=False)

    def forward(self, x):
        return op.transposed(x, self.conv_transpose2d.weight, self.conv_transpose2d.stride[0])
