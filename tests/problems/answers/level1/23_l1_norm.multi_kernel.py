# SPDX-License-Identifier: Apache-2.0
# io: x[60,513] -> y[60,513]
import torch

scratch = {}


def run(x, y):
    means = x.abs().mean(1, keepdim=True)
    #wrong means_kept_by_pointer: means = scratch.setdefault(x.data_ptr(), x.abs().mean(1, keepdim=True))
    torch.div(x, means, out=y)
