# SPDX-License-Identifier: Apache-2.0
# Style: cub::DeviceScan and cub::DeviceRadixSort with temporary storage in a tensor
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
#include <cub/device/device_radix_sort.cuh>
#include <cub/device/device_scan.cuh>

torch::Tensor cumsum_int(torch::Tensor x) {
    auto y = torch::empty_like(x);
    auto stream = at::cuda::getCurrentCUDAStream();
    size_t bytes = 0;
    cub::DeviceScan::InclusiveSum(nullptr, bytes, x.data_ptr<int>(), y.data_ptr<int>(), (int)x.numel(), stream);
    auto storage = torch::empty({(int64_t)bytes}, x.options().dtype(torch::kUInt8));
    cub::DeviceScan::InclusiveSum(storage.data_ptr(), bytes, x.data_ptr<int>(), y.data_ptr<int>(), (int)x.numel(), stream);
    return y;
}

torch::Tensor sort_int(torch::Tensor x) {
    auto y = torch::empty_like(x);
    auto stream = at::cuda::getCurrentCUDAStream();
    size_t bytes = 0;
    cub::DeviceRadixSort::SortKeys(nullptr, bytes, x.data_ptr<int>(), y.data_ptr<int>(), (int)x.numel(), 0, 32, stream);
    auto storage = torch::empty({(int64_t)bytes}, x.options().dtype(torch::kUInt8));
    cub::DeviceRadixSort::SortKeys(storage.data_ptr(), bytes, x.data_ptr<int>(), y.data_ptr<int>(), (int)x.numel(), 0, 32,
                                   stream);
    return y;
}
"""

ext = load_inline(
    name="device_wide",
    cpp_sources="torch::Tensor cumsum_int(torch::Tensor x);\ntorch::Tensor sort_int(torch::Tensor x);",
    cuda_sources=source,
    functions=["cumsum_int", "sort_int"],
)


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.cumsum_int(x), ext.sort_int(x)


def expected(model, x):
    return x.cumsum(0).int(), x.sort().values


def get_inputs():
    return [torch.randint(-1000, 1000, (5000,), dtype=torch.int32)]


def get_init_inputs():
    return []
