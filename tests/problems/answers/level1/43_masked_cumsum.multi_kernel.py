# SPDX-License-Identifier: Apache-2.0
# io: x[35,120] mask:bool[35,120] -> y[35,120]
import torch


def run(x, mask, y):
    kept = torch.where(mask, x, torch.zeros_like(x))
    torch.cumsum(kept, 1, out=y)
    #wrong mask_applied_after: torch.cumsum(x, 1, out=y); y.mul_(mask)
    #wrong first_masked_value_counts: kept[:, 0] = x[:, 0]; torch.cumsum(kept, 1, out=y)
