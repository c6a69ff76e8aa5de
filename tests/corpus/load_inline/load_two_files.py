# SPDX-License-Identifier: Apache-2.0
# Style: load() of a .cpp and a .cu written to a temporary folder
import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

CPP = """
#include <torch/extension.h>

void hinge_launch(const float* x, const float* t, float* y, int n);

torch::Tensor hinge(torch::Tensor x, torch::Tensor t) {
    TORCH_CHECK(x.is_contiguous() && t.is_contiguous(), "inputs must be contiguous");
    auto y = torch::empty_like(x);
    hinge_launch(x.data_ptr<float>(), t.data_ptr<float>(), y.data_ptr<float>(), x.numel());
    return y;
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("hinge", &hinge, "hinge loss, element by element");
}
"""

CU = """
#include <cuda_runtime.h>

__global__ void hinge_kernel(const float* x, const float* t, float* y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = fmaxf(0.0f, 1.0f - x[i] * t[i]);
}

void hinge_launch(const float* x, const float* t, float* y, int n) {
    hinge_kernel<<<(n + 255) / 256, 256>>>(x, t, y, n);
}
"""

folder = tempfile.mkdtemp(prefix="hinge_")
paths = []
for name, text in (("hinge.cpp", CPP), ("hinge_kernel.cu", CU)):
    paths.append(os.path.join(folder, name))
    with open(paths[-1], "w") as file:
        file.write(text)

ext = load(name="hinge_files", sources=paths, extra_cuda_cflags=["-O3"], verbose=False)


class ModelNew(nn.Module):
    def forward(self, x, t):
        return ext.hinge(x, t)


def expected(model, x, t):
    return torch.clamp(1 - x * t, min=0)


def get_inputs():
    return [torch.randn(128, 7), torch.randint(0, 2, (128, 7)).float() * 2 - 1]


def get_init_inputs():
    return []
