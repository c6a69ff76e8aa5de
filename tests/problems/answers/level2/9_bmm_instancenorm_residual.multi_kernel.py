# SPDX-License-Identifier: Apache-2.0
# io: x[6,11,20] weight[20,13] y[6,11,13] -> out[6,11,13]
import torch


def normalized(rows):
    variance, mean = torch.var_mean(rows, dim=(1, 2), keepdim=True, correction=0)
    return (rows - mean) / torch.sqrt(variance + 1e-3)
    #wrong epsilon_outside_the_root: return (rows - mean) / (torch.sqrt(variance) + 1e-3)
    #wrong default_epsilon: return (rows - mean) / torch.sqrt(variance + 1e-5)


def run(x, weight, y, out):
    torch.mul(normalized(x @ weight) + y, y, out=out)
