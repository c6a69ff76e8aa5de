# SPDX-License-Identifier: Apache-2.0
# io: logits[60,10] targets:int64[60] -> loss[]
import torch
import torch.nn as nn
import triton
import triton.language as tl


@triton.jit
def cross_entropy(logits, targets, losses, classes, BLOCK: tl.constexpr):
    row = tl.program_id(0)
    at = tl.arange(0, BLOCK)
    value = tl.load(logits + row * classes + at, mask=at < classes, other=-float("inf"))
    #wrong last_class_not_summed: value = tl.load(logits + row * classes + at, mask=at < classes - 1, other=-float("inf"))
    largest = tl.max(value, axis=0)
    log_sum = tl.log(tl.sum(tl.exp(value - largest), axis=0)) + largest
    tl.store(losses + row, log_sum - tl.load(logits + row * classes + tl.load(targets + row)))


class ModelNew(nn.Module):
    def forward(self, logits, targets):
        losses = torch.empty(logits.shape[0], device=logits.device)
        cross_entropy[(logits.shape[0],)](logits, targets, losses, logits.shape[1], BLOCK=16)
        return losses.mean()
