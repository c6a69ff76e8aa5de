# SPDX-License-Identifier: Apache-2.0
# Style: AT_DISPATCH_ALL_TYPES with integers, and a nested dispatch of the index type
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <cuda_runtime.h>

template <typename scalar_t, typename index_t>
__global__ void gather_rows_kernel(const scalar_t* table, const index_t* rows, scalar_t* out, int columns, int count) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x)
        out[i] = table[rows[i / columns] * columns + i % columns];
}

torch::Tensor gather_rows(torch::Tensor table, torch::Tensor rows) {
    auto out = torch::empty({rows.size(0), table.size(1)}, table.options());
    const int count = out.numel();
    AT_DISPATCH_ALL_TYPES(table.scalar_type(), "gather_rows", [&] {
        AT_DISPATCH_INDEX_TYPES(rows.scalar_type(), "gather_rows_index", [&] {
            gather_rows_kernel<scalar_t, index_t><<<16, 128>>>(table.data_ptr<scalar_t>(), rows.data_ptr<index_t>(),
                                                               out.data_ptr<scalar_t>(), table.size(1), count);
        });
    });
    return out;
}
"""

ext = load_inline(
    name="gather_rows_ext",
    cpp_sources="torch::Tensor gather_rows(torch::Tensor table, torch::Tensor rows);",
    cuda_sources=source,
    functions=["gather_rows"],
)


class ModelNew(nn.Module):
    def forward(self, table, rows):
        return ext.gather_rows(table, rows), ext.gather_rows((table * 100).to(torch.int8), rows.int())


def expected(model, table, rows):
    return table[rows], (table * 100).to(torch.int8)[rows]


def get_inputs():
    return [torch.rand(20, 9), torch.randint(0, 20, (33,))]


def get_init_inputs():
    return []
