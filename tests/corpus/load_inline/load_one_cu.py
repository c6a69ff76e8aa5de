# SPDX-License-Identifier: Apache-2.0
# Style: load() of one .cu that holds kernels, wrapper and bindings
import pathlib
import tempfile

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

SOURCE = r"""
#include <torch/extension.h>
#include <torch/types.h>
#include <cuda_runtime.h>

#define STRINGIFY(name) #name
#define BIND(name) m.def(STRINGIFY(name), &name, STRINGIFY(name));

__global__ void huber_kernel(const float *a, const float *b, float *out, float delta, int n) {
  int i = blockDim.x * blockIdx.x + threadIdx.x;
  if (i < n) {
    float d = fabsf(a[i] - b[i]);
    out[i] = d < delta ? 0.5f * d * d : delta * (d - 0.5f * delta);
  }
}

torch::Tensor huber(torch::Tensor a, torch::Tensor b, float delta) {
  auto out = torch::empty_like(a);
  const int n = a.numel();
  dim3 block(256);
  dim3 grid((n + 255) / 256);
  huber_kernel<<<grid, block>>>(a.data_ptr<float>(), b.data_ptr<float>(), out.data_ptr<float>(), delta, n);
  return out;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  BIND(huber)
}
"""

path = pathlib.Path(tempfile.mkdtemp()) / "huber.cu"
path.write_text(SOURCE)
ext = load(
    name="huber_lib",
    sources=[path],
    extra_cuda_cflags=["-O3", "--expt-relaxed-constexpr", "--expt-extended-lambda", "-U__CUDA_NO_HALF_OPERATORS__"],
    extra_cflags=["-std=c++17"],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.huber(a, b, 0.7)


def expected(model, a, b):
    return torch.nn.functional.huber_loss(a, b, delta=0.7, reduction="none")


def get_inputs():
    return [torch.randn(400), torch.randn(400)]


def get_init_inputs():
    return []
