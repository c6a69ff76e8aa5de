import torch
import torch.nn as nn


class Model(nn.Module):
    """Takes from each row its mean and divides it by its largest magnitude."""

    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        centred = x - x.mean(dim=self.dim, keepdim=True)
        return centred / centred.abs().amax(dim=self.dim, keepdim=True)


def get_inputs():
    return [torch.randn(96, 1000)]


def get_init_inputs():
    return [1]
