# SPDX-License-Identifier: Apache-2.0
# Style: load_inline behind a global cache that the first forward fills
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

_extension = None


def get_extension():
    global _extension
    if _extension is None:
        _extension = load_inline(
            name="leaky_lazy",
            cpp_sources="torch::Tensor leaky(torch::Tensor x, double slope);",
            cuda_sources=r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
__global__ void leaky_kernel(const float* x, float* y, float slope, int64_t n) {
  const int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i < n) y[i] = x[i] > 0 ? x[i] : x[i] * slope;
}
torch::Tensor leaky(torch::Tensor x, double slope) {
  TORCH_CHECK(x.is_cuda(), "x must be a CUDA tensor");
  auto y = at::empty_like(x);
  auto stream = at::cuda::getCurrentCUDAStream();
  leaky_kernel<<<(x.numel() + 255) / 256, 256, 0, stream>>>(x.data_ptr<float>(), y.data_ptr<float>(),
                                                            static_cast<float>(slope), x.numel());
  return y;
}
""",
            functions=["leaky"],
        )
    return _extension


class ModelNew(nn.Module):
    def __init__(self, slope):
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return get_extension().leaky(x, self.slope)


def expected(model, x):
    return torch.nn.functional.leaky_relu(x, model.slope)


def get_inputs():
    return [torch.randn(12, 34)]


def get_init_inputs():
    return [0.2]
