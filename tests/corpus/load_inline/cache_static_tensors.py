# SPDX-License-Identifier: Apache-2.0
# Style: tensors kept in statics of the extension between calls
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <map>
#include <unordered_map>

static std::unordered_map<int64_t, torch::Tensor> tables;

__global__ void table_kernel(float* table, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) table[i] = sinf(i * 0.1f);
}

__global__ void add_table_kernel(const float* x, const float* table, float* y, int columns, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] + table[i % columns];
}

static torch::Tensor& table_for(int64_t columns, const torch::TensorOptions& options) {
    auto found = tables.find(columns);
    if (found == tables.end()) {
        auto table = torch::empty({columns}, options);
        table_kernel<<<(columns + 63) / 64, 64>>>(table.data_ptr<float>(), columns);
        found = tables.emplace(columns, table).first;
    }
    return found->second;
}

torch::Tensor add_position(torch::Tensor x) {
    static int64_t calls = 0;
    ++calls;
    auto& table = table_for(x.size(1), x.options());
    auto y = torch::empty_like(x);
    add_table_kernel<<<(x.numel() + 255) / 256, 256>>>(x.data_ptr<float>(), table.data_ptr<float>(), y.data_ptr<float>(),
                                                       x.size(1), x.numel());
    return y;
}
"""

ext = load_inline("position_ext", "torch::Tensor add_position(torch::Tensor x);", source, functions=["add_position"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.add_position(x), ext.add_position(ext.add_position(x)[:, :7].contiguous())


def expected(model, x):
    table = torch.sin(0.1 * torch.arange(x.shape[1], device=x.device, dtype=torch.float32))
    y = x + table
    return y, y[:, :7] + table[:7]


def get_inputs():
    return [torch.randn(11, 29)]


def get_init_inputs():
    return []
