# SPDX-License-Identifier: Apache-2.0
# Style: comments and strings with braces, quotes and <<<, raw string literals, digit separators
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = r'''
#include <torch/extension.h>
#include <string>

/* A comment with a launch: kernel<<<1, 1>>>(x); and an unbalanced } brace
   __global__ void not_a_kernel(float* x) { */
// another one: "an open string, 'c', <<< { /* and a line that goes on \
   __global__ void still_a_comment() {

static const char* kHelp = R"doc(
usage: __global__ void fake(int n) { fake<<<n, n>>>(n); } )" still inside
#define NOT_A_MACRO {{{
)doc";

static const char kBrace = '{', kQuote = '"', kBackslash = '\\';

__global__ void odd_kernel(const float* x, float* y, int n) {  // "}"
    int i = blockIdx.x * blockDim.x + threadIdx.x; /* } */
    if (i < n) y[i] = x[i] < 1'000.5f ? x[i] /* <<< */ + 0x1p-1f : x[i] >> 0 ? 1 : 0;
}

torch::Tensor odd(torch::Tensor x) {
    TORCH_CHECK(std::string(kHelp).find("fake<<<") != std::string::npos && kBrace == '{' && kQuote == '\"' &&
                    kBackslash == 92, "text was changed: ", "kernel<<<", kHelp, R"(")");
    auto y = torch::empty_like(x);
    int n = x.numel();
    odd_kernel <<< (n + 63) / 64 , 64 // blocks, threads
        >>> ( x.data_ptr<float>(),
              y.data_ptr<float>(), n );
    return y;
}
'''.replace("x[i] >> 0 ? 1 : 0", "(int(x[i]) >> 1 > 0 ? 1.f : 0.f)")

ext = load_inline("odd_text", "torch::Tensor odd(torch::Tensor x); // }", source, functions=["odd"])


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.odd(x)


def expected(model, x):
    return torch.where(x < 1000.5, x + 0.5, torch.ones_like(x))


def get_inputs():
    return [torch.randn(150) * 900]


def get_init_inputs():
    return []
