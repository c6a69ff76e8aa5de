# SPDX-License-Identifier: Apache-2.0
# Style: functions as one string, positional arguments
import torch
import torch.nn as nn
from torch.utils.cpp_extension import load_inline

SOURCE = '''
__global__ void negate(const float *in, float *out, long n)
{
    long i = blockIdx.x * (long) blockDim.x + threadIdx.x;
    if (i < n)
        out[i] = -in[i];
}

torch::Tensor flip_sign(torch::Tensor in)
{
    torch::Tensor out = torch::empty_like(in);
    long n = in.numel();
    negate<<<(unsigned) ((n + 63) / 64), 64>>>(in.data_ptr<float>(), out.data_ptr<float>(), n);
    return out;
}
'''

ext = load_inline("flip_sign_ext", "torch::Tensor flip_sign(torch::Tensor in);", SOURCE, functions="flip_sign")


class ModelNew(nn.Module):
    def forward(self, x):
        return ext.flip_sign(x.contiguous())


def expected(model, x):
    return -x


def get_inputs():
    return [torch.randn(65, 31).t()]


def get_init_inputs():
    return []
