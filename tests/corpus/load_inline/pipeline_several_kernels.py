# SPDX-License-Identifier: Apache-2.0
# Style: several kernels one after the other with intermediate tensors
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

__global__ void moments_kernel(const float* x, float* mean, float* inverse, int columns, float eps) {
    __shared__ float sums[256], squares[256];
    float s = 0.f, q = 0.f;
    for (int i = threadIdx.x; i < columns; i += blockDim.x) {
        float v = x[blockIdx.x * columns + i];
        s += v;
        q += v * v;
    }
    sums[threadIdx.x] = s;
    squares[threadIdx.x] = q;
    __syncthreads();
    for (int k = blockDim.x / 2; k > 0; k >>= 1) {
        if (threadIdx.x < k) {
            sums[threadIdx.x] += sums[threadIdx.x + k];
            squares[threadIdx.x] += squares[threadIdx.x + k];
        }
        __syncthreads();
    }
    if (threadIdx.x == 0) {
        const float m = sums[0] / columns;
        mean[blockIdx.x] = m;
        inverse[blockIdx.x] = rsqrtf(squares[0] / columns - m * m + eps);
    }
}

__global__ void normalise_kernel(const float* x, const float* mean, const float* inverse, const float* weight,
                                 const float* bias, float* y, int columns, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        int row = i / columns, column = i % columns;
        y[i] = (x[i] - mean[row]) * inverse[row] * weight[column] + bias[column];
    }
}

__global__ void dropout_free_scale_kernel(float* y, float scale, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x) y[i] *= scale;
}

torch::Tensor layer_norm(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, double eps, double scale) {
    const int rows = x.size(0), columns = x.size(1), n = x.numel();
    auto mean = torch::empty({rows}, x.options());
    auto inverse = torch::empty({rows}, x.options());
    auto y = torch::empty_like(x);
    moments_kernel<<<rows, 256>>>(x.data_ptr<float>(), mean.data_ptr<float>(), inverse.data_ptr<float>(), columns, eps);
    normalise_kernel<<<(n + 255) / 256, 256>>>(x.data_ptr<float>(), mean.data_ptr<float>(), inverse.data_ptr<float>(),
                                               weight.data_ptr<float>(), bias.data_ptr<float>(), y.data_ptr<float>(),
                                               columns, n);
    dropout_free_scale_kernel<<<4, 128>>>(y.data_ptr<float>(), scale, n);
    return y;
}
"""

ext = load_inline(
    name="layer_norm_pipeline",
    cpp_sources="torch::Tensor layer_norm(torch::Tensor x, torch::Tensor weight, torch::Tensor bias, double eps, double scale);",
    cuda_sources=source,
    functions=["layer_norm"],
)


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.norm = nn.LayerNorm(features)
        nn.init.normal_(self.norm.weight)
        nn.init.normal_(self.norm.bias)

    def forward(self, x):
        return ext.layer_norm(x, self.norm.weight, self.norm.bias, self.norm.eps, 0.5)


def expected(model, x):
    return 0.5 * model.norm(x)


def get_inputs():
    return [torch.randn(20, 170)]


def get_init_inputs():
    return [170]
