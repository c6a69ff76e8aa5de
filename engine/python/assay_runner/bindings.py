# SPDX-License-Identifier: Apache-2.0
"""The judge's arenas as tensors: the arguments of every slot, and where each output of a call belongs."""

import torch

import _assay_native as native
from assay_runner.errors import CONTRACT, PROTOCOL, Fault, shortened
from assay_runner.values import (
    DTYPES,
    MAX_DEPTH,
    decode_nest,
    dtype_name,
    element_count,
    require_strided,
)

MAX_OUTPUTS = 256
MAX_PATH_CHARACTERS = 160


class Bound:
    """What `bind` fixed. Tensors are made on first use and kept.

    slots        how many there are
    stores       whether outputs have a place (bind named them)
    """

    def __init__(self, loaded, request, descriptors, device):
        self.control = None
        self.kept_windows = {}  # captured graphs, by the slots that they call
        self.graph_refused = None  # why the calls cannot be captured, once that is known
        self._loaded = loaded
        self._argument_nodes = _array(request, "arguments")
        self.stores = request.get("outputs") is not None
        self._output_nodes = _array(request, "outputs") if self.stores else []
        self.slots = request.get("slots")
        if type(self.slots) is not int or not 1 <= self.slots <= native.MAX_SLOTS:
            raise Fault(PROTOCOL, f"slots must be from 1 to {native.MAX_SLOTS}")
        self._arenas = self._map(request, descriptors, device)
        self._arguments, self._written, self._outputs = {}, {}, {}
        loaded.check_arguments(self.arguments(0))
        for slot in {0, self.slots - 1}:  # the extremes show whether every slot fits
            self.arguments(slot), self.outputs(slot)

    def _map(self, request, descriptors, device):
        """Control page, then an arena of each size that is not 0 (or all three descriptors in any case)."""
        sizes = {"input": request.get("input_bytes"), "output": request.get("output_bytes")}
        if any(type(size) is not int or size < 0 for size in sizes.values()):
            raise Fault(PROTOCOL, "input_bytes and output_bytes must be sizes")
        names = [name for name, size in sizes.items() if size > 0 or len(descriptors) == 3]
        if len(descriptors) != 1 + len(names):
            raise Fault(PROTOCOL, f"bind brought {len(descriptors)} descriptors, not {1 + len(names)}")
        self.control = native.ControlPage(descriptors[0])
        arenas = {}
        for name, fd in zip(names, [descriptors[i + 1] for i in range(len(names))]):
            if sizes[name] == 0:
                continue
            if device == "cpu":
                arenas[name] = native.Memory.map_shared(fd, sizes[name])
            else:
                arenas[name] = native.Memory.import_cuda(fd, sizes[name], 0)
        return arenas

    def arguments(self, slot):
        """The argument list of a slot's call."""
        if slot not in self._arguments:
            written = []
            arguments = []
            for node in self._argument_nodes:
                dropped = node.get("role") == "output" and not self._loaded.takes_outputs
                if not dropped:
                    arguments.append(decode_nest(node, lambda leaf: self._argument(leaf, slot, written)))
            self._arguments[slot], self._written[slot] = arguments, written
        return self._arguments[slot]

    def outputs(self, slot):
        """The tensors of a slot where outputs are to end up, in order."""
        if slot not in self._outputs:
            self._outputs[slot] = [self._tensor(node, slot) for node in self._output_nodes]
        return self._outputs[slot]

    def results(self, returned, slot):
        """The outputs of a call in order: what it returned, flattened, or the tensors that it was given to write. Of a
        callable that is given such tensors, only what could be one for one in their place counts as returned."""
        written = self._written[slot]
        if self._loaded.takes_outputs and written:
            return _in_place_of(written, returned) or written
        return flatten(returned) or written

    def paths(self, returned, slot):
        """Where each output stands in what was returned; empty where arguments are the outputs."""
        if self._loaded.takes_outputs and self._written[slot]:
            return []
        return [path for path, _ in leaves(returned, "")]

    def ignored(self, returned, slot):
        """The tensors that a call returned though its outputs are arguments, where they do not count."""
        written = self._written[slot]
        counts = not (self._loaded.takes_outputs and written) or _in_place_of(written, returned)
        if counts or not isinstance(returned, (torch.Tensor, list, tuple, dict)):
            return []
        try:
            return flatten(returned)
        except Fault:  # a launcher's handle, or the like
            return []

    def store(self, returned, slot):
        """Copies a call's outputs to their places; those that already lie there cost nothing."""
        targets = self.outputs(slot)
        results = self.results(returned, slot)
        if len(results) != len(targets):
            raise Fault(CONTRACT, f"the call returned {len(results)} outputs, {len(targets)} were expected", "OutputMismatch")
        for index, (target, result) in enumerate(zip(targets, results)):
            if target.shape != result.shape or target.dtype != result.dtype:
                raise Fault(
                    CONTRACT,
                    f"output {index} has shape {list(result.shape)} and dtype {result.dtype}; expected were "
                    f"{list(target.shape)} and {target.dtype}",
                    "OutputMismatch",
                )
            if result.data_ptr() != target.data_ptr() or result.stride() != target.stride():
                target.copy_(result)

    def _argument(self, node, slot, written):
        tensor = self._tensor(node, slot)
        if node.get("role") in ("output", "inout"):
            written.append(tensor)
        return tensor

    def _tensor(self, node, slot):
        arena = self._arenas.get(node.get("arena"))
        name, shape = node.get("dtype"), node.get("shape")
        offset, stride = node.get("offset"), node.get("stride")
        if node.get("kind") != "tensor" or name not in DTYPES or type(offset) is not int or type(stride) is not int:
            raise Fault(PROTOCOL, "not a tensor binding")
        if element_count(shape) == 0 and arena is None:
            return torch.empty(shape, dtype=DTYPES[name])
        if arena is None:
            raise Fault(PROTOCOL, f"a tensor lies in an arena that was not given: {node.get('arena')!r:.80}")
        return torch.from_dlpack(arena.tensor(offset + slot * stride, name, shape))


def _in_place_of(written, returned):
    """What was returned, if it is tensors like these, else None: launchers return handles and the like."""
    if not isinstance(returned, (torch.Tensor, list, tuple, dict)):
        return None
    try:
        flat = flatten(returned)
    except Fault:
        return None
    alike = len(flat) == len(written) and all(a.shape == b.shape and a.dtype == b.dtype for a, b in zip(flat, written))
    return flat if alike else None


def _array(request, key):
    nodes = request.get(key)
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise Fault(PROTOCOL, f"{key} must be an array of bindings")
    return nodes


def flatten(returned):
    """The tensors of a returned nest: tuples and lists in order, dicts in insertion order (the judge pairs by key where
    both sides have the same), numbers as 0-d tensors."""
    flat = []
    _flatten_into(flat, returned, 0)
    return flat


def leaves(value, path, depth=0):
    """(path, tensor or number) in the order of flatten: "['loss'][0]"."""
    if isinstance(value, dict):
        items = [(f"[{key!r:.80}]", item) for key, item in value.items()]
    elif isinstance(value, (list, tuple)):
        items = [(f"[{i}]", item) for i, item in enumerate(value)]
    else:
        if value is not None:
            yield path, value
        return
    for step, item in items if depth < MAX_DEPTH else ():
        yield from leaves(item, path + step, depth + 1)


def _flatten_into(flat, value, depth):
    if depth > MAX_DEPTH or len(flat) >= MAX_OUTPUTS and isinstance(value, torch.Tensor):
        raise Fault(CONTRACT, f"the call returned more than {MAX_OUTPUTS} outputs or nests deeper than {MAX_DEPTH}")
    if isinstance(value, torch.Tensor):
        require_strided(value, f"output {len(flat)}")
        dtype_name(value.dtype, f"output {len(flat)}")
        flat.append(value.detach())
    elif isinstance(value, (list, tuple)):
        for item in value:
            _flatten_into(flat, item, depth + 1)
    elif isinstance(value, dict):
        for item in value.values():
            _flatten_into(flat, item, depth + 1)
    elif isinstance(value, (bool, int, float)):
        flat.append(torch.as_tensor(value))
    elif value is not None:
        raise Fault(
            CONTRACT,
            f"output {len(flat)} is a {type(value).__name__}; tensors, numbers and lists, tuples and dicts of "
            "them are supported",
            "UnsupportedType",
        )


def described(results, paths=()):
    """dtype, shape, strides and, where known, the path of each output, as `probe` reports them."""
    nodes = [
        {
            "dtype": dtype_name(result.dtype, f"output {index}"),
            "shape": list(result.shape),
            "strides": list(result.stride()),
        }
        for index, result in enumerate(results)
    ]
    if len(paths) == len(nodes):
        for node, path in zip(nodes, paths):
            node.update({"path": shortened(path[:MAX_PATH_CHARACTERS])} if path else {})
    return nodes
