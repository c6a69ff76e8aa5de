# SPDX-License-Identifier: Apache-2.0
# io: x[5,9,17,19] -> y[5,9,17,19]
import torch


def moments(x):
    flat = x.flatten(2)
    return flat.mean(2), flat.var(2, correction=0)
    #wrong unbiased_variance: return flat.mean(2), flat.var(2)
    #wrong mean_of_squares_in_bfloat16: return flat.mean(2), (flat.bfloat16().float() ** 2).mean(2) - flat.mean(2) ** 2


def run(x, y):
    mean, variance = moments(x)
    torch.mul(x - mean[..., None, None], torch.rsqrt(variance + 1e-5)[..., None, None], out=y)
