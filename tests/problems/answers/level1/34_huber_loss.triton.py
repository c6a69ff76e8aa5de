# SPDX-License-Identifier: Apache-2.0
# io: a[20,45] b[20,45] -> loss[]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def huber(a, b, loss, n, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    distance = tl.abs(tl.load(a + at, mask=at < n, other=0.0) - tl.load(b + at, mask=at < n, other=0.0))
    #wrong padding_has_a_distance: distance = tl.abs(tl.load(a + at, mask=at < n, other=0.0) - tl.load(b + at, mask=at < n, other=1e-1))
    each = tl.where(distance < 1.0, 0.5 * distance * distance, distance - 0.5)
    tl.store(loss, tl.sum(each, axis=0) / n)


class ModelNew(nn.Module):
    def forward(self, predictions, targets):
        loss = torch.empty((), device=predictions.device)
        huber[(1,)](predictions, targets, loss, predictions.numel(), BLOCK=1024)
        return loss
