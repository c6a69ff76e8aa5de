# SPDX-License-Identifier: Apache-2.0
# io: predictions[40,20] targets[40,20] -> loss[]
import torch


def rows(predictions, targets):
    return torch.xlogy(targets, targets / predictions).sum(1)
    #wrong last_class_ignored: return torch.xlogy(targets, targets / predictions)[:, :-1].sum(1)


def run(predictions, targets, loss):
    loss.copy_(rows(predictions, targets).mean())
