# SPDX-License-Identifier: Apache-2.0
# Style: PYBIND11_MODULE at the end of the CUDA source, cpp_sources empty
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda.h>
#include <cuda_runtime.h>

__global__ void smooth_l1_kernel(const float* __restrict__ p, const float* __restrict__ t,
                                 float* __restrict__ out, const int n) {
    const int stride = gridDim.x * blockDim.x;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += stride) {
        const float d = fabsf(p[i] - t[i]);
        out[i] = d < 1.f ? 0.5f * d * d : d - 0.5f;
    }
}

torch::Tensor forward(torch::Tensor p, torch::Tensor t) {
    auto out = torch::empty_like(p);
    smooth_l1_kernel<<<16, 128>>>(p.data_ptr<float>(), t.data_ptr<float>(), out.data_ptr<float>(), p.numel());
    return out;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("forward", &forward, "smooth L1 (CUDA)");
}
"""

smooth_l1 = load_inline(name="smooth_l1", cpp_sources="", cuda_sources=source, with_cuda=True)


class ModelNew(nn.Module):
    def forward(self, p, t):
        return smooth_l1.forward(p, t)


def expected(model, p, t):
    return torch.nn.functional.smooth_l1_loss(p, t, reduction="none")


def get_inputs():
    return [torch.randn(90, 31), torch.randn(90, 31)]


def get_init_inputs():
    return []
