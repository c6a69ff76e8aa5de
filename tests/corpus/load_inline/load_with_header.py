# SPDX-License-Identifier: Apache-2.0
# Style: load() of two .cu and one .cpp that share a header of the submission's own
import os
import tempfile

import torch
import torch.nn as nn
from torch.utils.cpp_extension import load

FILES = {
    "include/geometry.cuh": """
#pragma once
struct Box { float x0, y0, x1, y1; };
__host__ __device__ inline float area(const Box& b) { return (b.x1 - b.x0) * (b.y1 - b.y0); }
void areas_launch(const Box* boxes, float* out, int n);
void overlaps_launch(const Box* a, const Box* b, float* out, int n);
""",
    "areas.cu": """
#include "geometry.cuh"
__global__ void areas_kernel(const Box* boxes, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = area(boxes[i]);
}
void areas_launch(const Box* boxes, float* out, int n) { areas_kernel<<<(n + 63) / 64, 64>>>(boxes, out, n); }
""",
    "overlaps.cu": """
#include "geometry.cuh"
__global__ void overlaps_kernel(const Box* a, const Box* b, float* out, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    float w = fminf(a[i].x1, b[i].x1) - fmaxf(a[i].x0, b[i].x0);
    float h = fminf(a[i].y1, b[i].y1) - fmaxf(a[i].y0, b[i].y0);
    out[i] = w > 0 && h > 0 ? w * h : 0.0f;
}
void overlaps_launch(const Box* a, const Box* b, float* out, int n) {
    overlaps_kernel<<<(n + 63) / 64, 64>>>(a, b, out, n);
}
""",
    "binding.cpp": """
#include <torch/extension.h>
#include <cuda_runtime_api.h>
#include "geometry.cuh"
static const Box* boxes_of(const torch::Tensor& t) { return reinterpret_cast<const Box*>(t.data_ptr<float>()); }
torch::Tensor areas(torch::Tensor a) {
    auto out = torch::empty({a.size(0)}, a.options());
    areas_launch(boxes_of(a), out.data_ptr<float>(), a.size(0));
    return out;
}
torch::Tensor overlaps(torch::Tensor a, torch::Tensor b) {
    auto out = torch::empty({a.size(0)}, a.options());
    overlaps_launch(boxes_of(a), boxes_of(b), out.data_ptr<float>(), a.size(0));
    return out;
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
    m.def("areas", &areas);
    m.def("overlaps", &overlaps);
}
""",
}

folder = tempfile.mkdtemp()
os.mkdir(os.path.join(folder, "include"))
for name, text in FILES.items():
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)

ext = load(
    "boxes",
    [os.path.join(folder, name) for name in FILES if not name.endswith(".cuh")],
    extra_include_paths=[os.path.join(folder, "include")],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        shared = ext.overlaps(a, b)
        return shared / (ext.areas(a) + ext.areas(b) - shared)


def expected(model, a, b):
    low, high = torch.maximum(a[:, :2], b[:, :2]), torch.minimum(a[:, 2:], b[:, 2:])
    shared = (high - low).clamp(min=0).prod(1)
    size = [(x[:, 2:] - x[:, :2]).prod(1) for x in (a, b)]
    return shared / (size[0] + size[1] - shared)


def get_inputs():
    corners = torch.rand(2, 100, 2)
    return [torch.cat([c, c + 0.5 + torch.rand(100, 2)], dim=1) for c in corners]


def get_init_inputs():
    return []
