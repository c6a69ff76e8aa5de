# SPDX-License-Identifier: Apache-2.0
# Style: an extension without CUDA source: operators of torch called from C++
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

source = """
#include <torch/extension.h>

torch::Tensor attention(torch::Tensor q, torch::Tensor k, torch::Tensor v) {
    auto scores = torch::matmul(q, k.transpose(-2, -1)) / std::sqrt(static_cast<double>(q.size(-1)));
    auto mask = torch::ones({q.size(-2), k.size(-2)}, q.options().dtype(torch::kBool)).tril();
    scores = scores.masked_fill(mask.logical_not(), -std::numeric_limits<float>::infinity());
    return torch::matmul(torch::softmax(scores, -1), v);
}
"""

ext = load_inline(name="attention_cpp", cpp_sources=[source], functions=["attention"], extra_cflags=["-O2"])


class ModelNew(nn.Module):
    def forward(self, q, k, v):
        return ext.attention(q, k, v)


def expected(model, q, k, v):
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def get_inputs():
    return [torch.randn(2, 3, 16, 8) for _ in range(3)]


def get_init_inputs():
    return []
