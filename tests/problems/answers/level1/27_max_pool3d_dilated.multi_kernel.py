# SPDX-License-Identifier: Apache-2.0
# io: x[2,3,9,11,13] -> y[2,3,3,4,5]
import torch


def along(x, dim, outputs):
    near = x.narrow(dim, 0, 2 * outputs - 1)
    far = x.narrow(dim, 3, 2 * outputs - 1)
    #wrong depth_dilated_by_two: far = x.narrow(dim, 2 if dim == 2 else 3, 2 * outputs - 1)
    both = torch.maximum(near, far)
    return both.index_select(dim, torch.arange(0, 2 * outputs - 1, 2, device=x.device))


def run(x, y):
    y.copy_(along(along(along(x, 2, 3), 3, 4), 4, 5))
