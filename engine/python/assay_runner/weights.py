# SPDX-License-Identifier: Apache-2.0
"""A model's state_dict out of one runner and into another, matched by name and shape."""

import torch

from assay_runner.errors import PROTOCOL, Fault, fault_from
from assay_runner.values import DTYPE_NAMES, MAX_RANK, Encoder, TensorReader

MAX_WEIGHTS = 16384
MAX_NAME_BYTES = 512
MAX_SKIPPED = 256
# Of tensors that may be copied though values have no such dtype; by name, as torch has them.
FURTHER_DTYPES = {
    str(dtype): dtype
    for dtype in vars(torch).values()
    if isinstance(dtype, torch.dtype)
    and dtype not in DTYPE_NAMES
    and (dtype.is_complex or str(dtype).startswith(("torch.float8", "torch.int", "torch.uint")))
    and not str(dtype).endswith(tuple(f"int{bits}" for bits in range(1, 8)))  # part of a byte
}


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
        further = str(value.dtype) in FURTHER_DTYPES
        if not (further or value.dtype in DTYPE_NAMES) or value.layout is not torch.strided or value.dim() > MAX_RANK:
            skipped.append(f"{name}: {value.dtype} {value.layout} of {value.dim()} dimensions cannot be carried")
            continue
        if len(name.encode()) > MAX_NAME_BYTES or len(weights) == MAX_WEIGHTS:
            skipped.append(f"{name:.80}: its name is too long, or there are more than {MAX_WEIGHTS} weights")
            continue
        node = {"stands_for": {"dtype": str(value.dtype), "shape": list(value.shape)}} if further else {}
        carried = _bytes_of(value) if further else value
        weights.append({"name": name, **encoder.encode_tensor(carried, name), **node})
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
        original = node.get("stands_for") or node
        if target is None:
            skipped.append(f"{name}: no weight of that name here")
        elif list(target.shape) != original.get("shape"):
            skipped.append(f"{name}: shape {list(target.shape)} here, {original.get('shape')} there")
        else:
            reason = _copy(target, reader(node), original)
            if reason is None:
                copied += 1
            else:
                skipped.append(f"{name}: {reason}")
    return copied, skipped[:MAX_SKIPPED]


def _bytes_of(value):
    return value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)


def _copy(target, source, original):
    """None, or why it cannot be."""
    further = FURTHER_DTYPES.get(original.get("dtype"))
    try:
        if further is not None:
            source = source.view(further).reshape(original["shape"])
        if source.is_complex() and not target.is_complex():
            return f"{target.dtype} here, {source.dtype} there"
        with torch.no_grad():
            target.copy_(source)
    except RuntimeError as error:  # there is no such conversion; NotImplementedError is one, too
        return f"{target.dtype} here, {source.dtype} there: {str(error).splitlines()[0]:.200}"
    return None
