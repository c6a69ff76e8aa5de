# SPDX-License-Identifier: Apache-2.0
"""A model's state_dict out of one runner and into another, matched by name and shape."""

import torch

from assay_runner.errors import PROTOCOL, Fault, fault_from
from assay_runner.values import DTYPE_NAMES, Encoder, TensorReader

MAX_WEIGHTS = 16384
MAX_NAME_BYTES = 512
MAX_SKIPPED = 256


def state_of(instance):
    """name -> tensor; empty for anything but a module."""
    if not isinstance(instance, torch.nn.Module):
        return {}
    try:
        state = instance.state_dict()
        return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    except BaseException as exception:
        raise fault_from(exception) from None


def get_weights(instance):
    """(JSON of each weight, memfd, reasons for those left out)."""
    encoder = Encoder("weight ")
    weights, skipped = [], []
    for name, value in state_of(instance).items():
        if value.dtype not in DTYPE_NAMES or value.layout is not torch.strided:
            skipped.append(f"{name}: {value.dtype} {value.layout} cannot be carried")
            continue
        if len(name.encode()) > MAX_NAME_BYTES or len(weights) == MAX_WEIGHTS:
            skipped.append(f"{name:.80}: its name is too long, or there are more than {MAX_WEIGHTS} weights")
            continue
        weights.append({"name": name, **encoder.encode_tensor(value, name)})
    return weights, encoder.write(), skipped[:MAX_SKIPPED]


def set_weights(instance, weights, fd):
    """Copies what fits; (count, reasons for the rest)."""
    if not isinstance(weights, list):
        raise Fault(PROTOCOL, "weights must be an array")
    own, reader = state_of(instance), TensorReader(fd)
    copied, skipped = 0, []
    for node in weights:
        name = node.get("name")
        target = own.get(name)
        if target is None:
            skipped.append(f"{name}: no weight of that name here")
        elif list(target.shape) != node.get("shape"):
            skipped.append(f"{name}: shape {list(target.shape)} here, {node.get('shape')} there")
        else:
            with torch.no_grad():
                target.copy_(reader(node))
            copied += 1
    return copied, skipped[:MAX_SKIPPED]
