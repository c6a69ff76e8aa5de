# SPDX-License-Identifier: Apache-2.0
# Style: two streams of the pool with events between them
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <ATen/cuda/CUDAEvent.h>
#include <c10/cuda/CUDAGuard.h>

__global__ void square_kernel(const float* x, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * x[i];
}
__global__ void join_kernel(const float* a, const float* b, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a[i] - b[i];
}

torch::Tensor difference_of_squares(torch::Tensor a, torch::Tensor b) {
    const int n = a.numel(), blocks = (n + 255) / 256;
    auto u = torch::empty_like(a), v = torch::empty_like(a), y = torch::empty_like(a);
    auto main = at::cuda::getCurrentCUDAStream();
    auto side = at::cuda::getStreamFromPool();
    cudaEvent_t start, done;
    cudaEventCreateWithFlags(&start, cudaEventDisableTiming);
    cudaEventCreateWithFlags(&done, cudaEventDisableTiming);
    cudaEventRecord(start, main);
    cudaStreamWaitEvent(side, start, 0);
    {
        at::cuda::CUDAStreamGuard guard(side);
        square_kernel<<<blocks, 256, 0, side>>>(a.data_ptr<float>(), u.data_ptr<float>(), n);
    }
    square_kernel<<<blocks, 256, 0, main>>>(b.data_ptr<float>(), v.data_ptr<float>(), n);
    cudaEventRecord(done, side);
    cudaStreamWaitEvent(main, done, 0);
    join_kernel<<<blocks, 256, 0, main>>>(u.data_ptr<float>(), v.data_ptr<float>(), y.data_ptr<float>(), n);
    cudaEventDestroy(start);
    cudaEventDestroy(done);
    return y;
}
"""

ext = load_inline(
    name="two_streams",
    cpp_sources="torch::Tensor difference_of_squares(torch::Tensor a, torch::Tensor b);",
    cuda_sources=source,
    functions=["difference_of_squares"],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.difference_of_squares(a, b)


def expected(model, a, b):
    return a * a - b * b


def get_inputs():
    return [torch.randn(3000), torch.randn(3000)]


def get_init_inputs():
    return []
