# SPDX-License-Identifier: Apache-2.0
# Style: TORCH_LIBRARY instead of pybind11; is_python_module=False, no_implicit_headers
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <ATen/ATen.h>
#include <torch/library.h>
#include <cuda_runtime.h>

__global__ void xor_shift_kernel(const int* x, int* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  unsigned v = x[i];
  v ^= v << 13;
  v ^= v >> 17;
  v ^= v << 5;
  y[i] = (int)v;
}

static at::Tensor xor_shift(const at::Tensor& x, int64_t rounds) {
  at::Tensor y = x.clone();
  for (int64_t i = 0; i < rounds; ++i)
    xor_shift_kernel<<<(x.numel() + 255) / 256, 256>>>(y.data_ptr<int>(), y.data_ptr<int>(), x.numel());
  return y;
}

TORCH_LIBRARY(corpus_bits, m) {
  m.def("xor_shift(Tensor x, int rounds) -> Tensor");
  m.impl("xor_shift", c10::DispatchKey::CUDA, &xor_shift);
}
"""

load_inline(
    "corpus_bits_lib",
    cpp_sources="",
    cuda_sources=source,
    is_python_module=False,
    no_implicit_headers=True,
    extra_cuda_cflags=["-O3"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return torch.ops.corpus_bits.xor_shift(x, 2)


def expected(model, x):
    v = x.long() & 0xFFFFFFFF
    for _ in range(2):
        v = (v ^ (v << 13)) & 0xFFFFFFFF
        v = v ^ (v >> 17)
        v = (v ^ (v << 5)) & 0xFFFFFFFF
    return torch.where(v >= 2**31, v - 2**32, v).int()


def get_inputs():
    return [torch.randint(1, 2**30, (777,), dtype=torch.int32)]


def get_init_inputs():
    return []
