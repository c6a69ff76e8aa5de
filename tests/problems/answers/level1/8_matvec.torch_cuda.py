# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <c10/cuda/CUDAStream.h>

__global__ void matvec_kernel(const float* A, const float* x, float* y, int K) {
  __shared__ float partial[8];
  float sum = 0;
  for (int k = threadIdx.x; k < K; k += blockDim.x) sum += A[blockIdx.x * K + k] * x[k];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffff, sum, offset);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int warp = 1; warp < 8; ++warp) sum += partial[warp];
    //wrong last_warp_ignored: for (int warp = 1; warp < 7; ++warp) sum += partial[warp];
    y[blockIdx.x] = sum;
  }
}

torch::Tensor matvec(torch::Tensor A, torch::Tensor x) {
  auto y = torch::empty({A.size(0), 1}, A.options());
  matvec_kernel<<<A.size(0), 256, 0, c10::cuda::getCurrentCUDAStream()>>>(
      A.data_ptr<float>(), x.data_ptr<float>(), y.data_ptr<float>(), A.size(1));
  return y;
}
"""
extension = load_inline("matvec", "torch::Tensor matvec(torch::Tensor A, torch::Tensor x);", source, functions=["matvec"])


class ModelNew(nn.Module):
    def forward(self, A, x):
        return extension.matvec(A, x)
