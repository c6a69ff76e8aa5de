# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

CPP = "torch::Tensor conv2d(torch::Tensor x, torch::Tensor weight, int64_t stride, int64_t padding);"
CUDA = r"""
#include <ATen/cuda/CUDAContext.h>

__global__ void conv2d_kernel(const float* __restrict__ x, const float* __restrict__ weight, float* __restrict__ y,
                              int channels, int H, int W, int outputs, int P, int Q, int size, int stride, int padding) {
  const int q = blockIdx.x * blockDim.x + threadIdx.x, p = blockIdx.y;
  const int image = blockIdx.z / outputs, output = blockIdx.z % outputs;
  if (q >= Q) return;
  float sum = 0.0f;
  for (int c = 0; c < channels; ++c)
    for (int i = 0; i < size; ++i)
      for (int j = 0; j < size; ++j) {
        const int h = p * stride - padding + i, w = q * stride - padding + j;
        if (h < 0 || h >= H || w < 0 || w >= W) continue;
        //wrong wraps_into_the_row_above: if (h < 0 || h >= H || (w < 0 && h == 0) || w >= W) continue;
        sum += x[((image * channels + c) * H + h) * W + w] * weight[((output * channels + c) * size + i) * size + j];
      }
  y[((image * outputs + output) * P + p) * Q + q] = sum;
}

torch::Tensor conv2d(torch::Tensor x, torch::Tensor weight, int64_t stride, int64_t padding) {
  TORCH_CHECK(x.is_cuda() && weight.is_cuda(), "tensors on a GPU");
  x = x.contiguous();
  weight = weight.contiguous();
  const int size = weight.size(2), outputs = weight.size(0);
  const int P = (x.size(2) + 2 * padding - size) / stride + 1, Q = (x.size(3) + 2 * padding - size) / stride + 1;
  auto y = torch::empty({x.size(0), outputs, P, Q}, x.options());
  const dim3 grid((Q + 31) / 32, P, x.size(0) * outputs);
  conv2d_kernel<<<grid, dim3(32), 0, at::cuda::getCurrentCUDAStream()>>>(
      x.data_ptr<float>(), weight.data_ptr<float>(), y.data_ptr<float>(), x.size(1), x.size(2), x.size(3), outputs, P, Q,
      size, stride, padding);
  return y;
}
"""
module = load_inline(name="direct_conv2d", cpp_sources=CPP, cuda_sources=CUDA, functions=["conv2d"], extra_cuda_cflags=["-O3", "--use_fast_math"])


class ModelNew(nn.Module):
    def __init__(self, in_channels, out_channels, kernel_size, stride, padding):
        super().__init__()
        self.conv2d = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=False)
        self.stride, self.padding = stride, padding

    def forward(self, x):
        return module.conv2d(x, self.conv2d.weight, self.stride, self.padding)
