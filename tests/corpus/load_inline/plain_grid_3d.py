# SPDX-License-Identifier: Apache-2.0
# Style: plain kernel over a three-dimensional grid, integer arguments from Python
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r"""
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void max_pool_kernel(const float* input, float* output, int channels, int height, int width,
                                int out_height, int out_width, int kernel, int stride, int padding) {
    const int ox = blockIdx.x * blockDim.x + threadIdx.x;
    const int oy = blockIdx.y * blockDim.y + threadIdx.y;
    const int plane = blockIdx.z;
    if (ox >= out_width || oy >= out_height) return;
    const float* in = input + (size_t)plane * height * width;
    float best = -INFINITY;
    for (int ky = 0; ky < kernel; ky++) {
        for (int kx = 0; kx < kernel; kx++) {
            int iy = oy * stride - padding + ky;
            int ix = ox * stride - padding + kx;
            if (iy >= 0 && iy < height && ix >= 0 && ix < width)
                best = max(best, in[iy * width + ix]);
        }
    }
    output[((size_t)plane * out_height + oy) * out_width + ox] = best;
}

torch::Tensor max_pool(torch::Tensor input, int kernel, int stride, int padding) {
    TORCH_CHECK(input.dim() == 4, "expected NCHW, got ", input.dim(), " dimensions");
    input = input.contiguous();
    const auto n = input.size(0), c = input.size(1), h = input.size(2), w = input.size(3);
    const int oh = (h + 2 * padding - kernel) / stride + 1;
    const int ow = (w + 2 * padding - kernel) / stride + 1;
    auto output = torch::empty({n, c, oh, ow}, input.options());
    const dim3 block(8, 8, 1);
    const dim3 grid((ow + block.x - 1) / block.x, (oh + block.y - 1) / block.y, n * c);
    max_pool_kernel<<<grid, block>>>(input.data_ptr<float>(), output.data_ptr<float>(), c, h, w, oh, ow,
                                     kernel, stride, padding);
    return output;
}
"""

pool = load_inline(
    name="max_pool_ext",
    cpp_sources="torch::Tensor max_pool(torch::Tensor input, int kernel, int stride, int padding);",
    cuda_sources=source,
    functions=["max_pool"],
    extra_cuda_cflags=["-O3"],
)


class ModelNew(nn.Module):
    def __init__(self, kernel_size, stride, padding):
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, x):
        return pool.max_pool(x, self.kernel_size, self.stride, self.padding)


def expected(model, x):
    return torch.nn.functional.max_pool2d(x, model.kernel_size, model.stride, model.padding)


def get_inputs():
    return [torch.randn(2, 3, 17, 21)]


def get_init_inputs():
    return [3, 2, 1]
