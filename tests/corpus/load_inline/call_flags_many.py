# SPDX-License-Identifier: Apache-2.0
# Style: every flag at once: -O3, --use_fast_math, -lineinfo, a definition, an architecture, extra_cflags
import torch
import torch.nn as nn
from torch.utils import cpp_extension

source = """
#include <torch/extension.h>
#include <cuda_runtime.h>

__global__ void gelu_kernel(const float* x, float* y, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        float v = x[i];
        y[i] = FACTOR * v * (1.0f + tanhf(0.7978845608f * (v + 0.044715f * v * v * v))) / 2.0f;
    }
}

torch::Tensor gelu_cuda(torch::Tensor x) {
    auto y = torch::empty_like(x);
    gelu_kernel<<<32, 256>>>(x.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}
"""

major, minor = torch.cuda.get_device_capability()

gelu = cpp_extension.load_inline(
    name="gelu_fast",
    cpp_sources="torch::Tensor gelu_cuda(torch::Tensor x);",
    cuda_sources=source,
    functions=["gelu_cuda"],
    extra_cflags=["-O3", "-ffast-math", "-Wno-unused-variable"],
    extra_cuda_cflags=[
        "-O3",
        "--use_fast_math",
        "-lineinfo",
        "-DFACTOR=1.5f",
        f"-gencode=arch=compute_{major}{minor},code=sm_{major}{minor}",
        "-Xptxas",
        "-v",
    ],
    with_cuda=True,
    verbose=True,
)


class ModelNew(nn.Module):
    def forward(self, x):
        return gelu.gelu_cuda(x)


def expected(model, x):
    return 1.5 * torch.nn.functional.gelu(x, approximate="tanh")


def get_inputs():
    return [torch.randn(100, 300)]


def get_init_inputs():
    return []
