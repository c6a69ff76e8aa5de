# SPDX-License-Identifier: Apache-2.0
# Style: a handle of the extension's own, created once and destroyed at exit
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>
#include <c10/cuda/CUDAStream.h>
#include <cublas_v2.h>
#include <mutex>

#define CUBLAS_OK(call) do { cublasStatus_t s_ = (call); if (s_ != CUBLAS_STATUS_SUCCESS) \\
    AT_ERROR("cuBLAS error ", (int)s_, " at " __FILE__ ":", __LINE__); } while (0)

static cublasHandle_t shared_handle() {
    static cublasHandle_t handle = nullptr;
    static std::once_flag once;
    std::call_once(once, [] { CUBLAS_OK(cublasCreate(&handle)); });
    return handle;
}

torch::Tensor batched_product(torch::Tensor a, torch::Tensor b) {
    const int batch = a.size(0), m = a.size(1), k = a.size(2), n = b.size(2);
    auto c = torch::empty({batch, m, n}, a.options());
    const float alpha = 1.f, beta = 0.f;
    cublasHandle_t handle = shared_handle();
    CUBLAS_OK(cublasSetStream(handle, c10::cuda::getCurrentCUDAStream()));
    CUBLAS_OK(cublasSgemmStridedBatched(handle, CUBLAS_OP_N, CUBLAS_OP_N, n, m, k, &alpha, b.data_ptr<float>(), n,
                                        (long long)k * n, a.data_ptr<float>(), k, (long long)m * k, &beta,
                                        c.data_ptr<float>(), n, (long long)m * n, batch));
    return c;
}
"""

ext = load_inline(
    name="batched_cublas",
    cpp_sources=["torch::Tensor batched_product(torch::Tensor a, torch::Tensor b);"],
    cuda_sources=[source],
    functions=["batched_product"],
    extra_ldflags=["-lcublas", "-lcudart"],
)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return ext.batched_product(a, b)


def expected(model, a, b):
    return torch.bmm(a, b)


def get_inputs():
    return [torch.randn(4, 20, 30), torch.randn(4, 30, 24)]


def get_init_inputs():
    return []
