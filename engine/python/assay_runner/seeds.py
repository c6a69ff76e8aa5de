# SPDX-License-Identifier: Apache-2.0
"""Random state: set from the judge's seed before inputs are drawn and before a model is made."""

import random

import torch

try:
    import numpy
    import numpy.random  # else the first seed waits for it
except ImportError:
    numpy = None


def seed_everything(seed):
    """The same seed gives the same draws from torch, random and numpy, in any process."""
    seed = int(seed) & 0xFFFFFFFFFFFFFFFF
    torch.manual_seed(seed)
    random.seed(seed)
    if numpy is not None:
        numpy.random.seed(seed & 0xFFFFFFFF)
