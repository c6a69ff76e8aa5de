# SPDX-License-Identifier: Apache-2.0
"""Values that cross the border: scalars and nests as JSON, tensors as contiguous bytes in one memfd."""

import math
import os

import torch

import _assay_native as native
from assay_runner.errors import CONTRACT, PROTOCOL, Fault

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "int32": torch.int32,
    "int64": torch.int64,
    "int8": torch.int8,
    "uint8": torch.uint8,
    "bool": torch.bool,
}
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
ITEM_BYTES = {name: torch.empty(0, dtype=dtype).element_size() for name, dtype in DTYPES.items()}

MAX_DEPTH = 16
MAX_VALUES = 4096
MAX_RANK = 16
MAX_STRING_BYTES = 65536
ALIGNMENT_BYTES = 256
FLOAT_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def element_count(shape):
    if not isinstance(shape, list) or len(shape) > MAX_RANK:
        raise Fault(PROTOCOL, "a shape must be an array of at most 16 sizes")
    count = 1
    for size in shape:
        if type(size) is not int or size < 0 or size > 1 << 62:
            raise Fault(PROTOCOL, f"not a size: {size!r}")
        count *= size
    return count


def dtype_name(dtype, what):
    """The wire's word for a dtype; `what` names the tensor in the error."""
    name = DTYPE_NAMES.get(dtype)
    if name is None:
        raise Fault(
            CONTRACT,
            f"{what} has dtype {dtype}; the supported dtypes are {', '.join(DTYPES)}",
            "UnsupportedDtype",
        )
    return name


def require_strided(tensor, what):
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise Fault(CONTRACT, f"{what} is not a dense tensor ({tensor.layout})", "UnsupportedLayout")


class Encoder:
    """Turns Python values into JSON and gathers their tensors. `what` names them in errors: "get_inputs()"."""

    def __init__(self, what):
        self._what = what
        self._left = MAX_VALUES
        self._end = 0
        self._tensors = []  # (offset, dtype name, tensor)

    def encode(self, value, path="", depth=0):
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise Fault(
                CONTRACT,
                f"{self._what} holds more than {MAX_VALUES} values or nests deeper than {MAX_DEPTH}",
            )
        if isinstance(value, torch.Tensor):
            return self.encode_tensor(value, path)
        if value is None:
            return {"kind": "none"}
        if isinstance(value, bool):
            return {"kind": "bool", "value": value}
        if isinstance(value, int):
            if not -(1 << 63) <= value < 1 << 63:
                raise Fault(CONTRACT, f"{self._what}{path} is an int that does not fit into 64 bits")
            return {"kind": "int", "value": int(value)}
        if isinstance(value, float):
            return {"kind": "float", "value": encode_float(float(value))}
        if isinstance(value, str):
            if len(value.encode("utf-8", "replace")) > MAX_STRING_BYTES:
                raise Fault(CONTRACT, f"{self._what}{path} is a string of more than {MAX_STRING_BYTES} bytes")
            return {"kind": "str", "value": value.encode("utf-8", "replace").decode()}
        if isinstance(value, (list, tuple)):
            kind = "list" if isinstance(value, list) else "tuple"
            items = [self.encode(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(value)]
            return {"kind": kind, "items": items}
        if isinstance(value, dict):
            return {"kind": "dict", "items": [self._pair(k, v, path, depth) for k, v in value.items()]}
        return self._foreign(value, path, depth)

    def encode_tensor(self, tensor, path=""):
        what = f"{self._what}{path}"
        tensor = tensor.detach()
        require_strided(tensor, what)
        name = dtype_name(tensor.dtype, what)
        shape = list(tensor.shape)
        if len(shape) > MAX_RANK:
            raise Fault(CONTRACT, f"{what} has {len(shape)} dimensions; at most {MAX_RANK} are supported")
        offset = -(-self._end // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        size = tensor.numel() * ITEM_BYTES[name]
        self._end = offset + size
        self._tensors.append((offset, name, tensor))
        return {"kind": "tensor", "dtype": name, "shape": shape, "offset": offset, "bytes": size}

    def _pair(self, key, value, path, depth):
        if not isinstance(key, str):
            raise Fault(CONTRACT, f"{self._what}{path} is a dict with the key {key!r:.80}; keys must be strings")
        return [str(key), self.encode(value, f"{path}[{key!r:.80}]", depth + 1)]

    def _foreign(self, value, path, depth):
        """NumPy's arrays and scalars become what torch and Python make of them."""
        if type(value).__module__.split(".")[0] == "numpy":
            if hasattr(value, "shape") and value.shape != ():
                return self.encode_tensor(torch.as_tensor(value), path)
            if hasattr(value, "item"):
                return self.encode(value.item(), path, depth + 1)
        raise Fault(
            CONTRACT,
            f"{self._what}{path} is a {type(value).__name__}; tensors, numbers, strings, None and lists, "
            "tuples and dicts of them are supported",
            "UnsupportedType",
        )

    def write(self):
        """A sealed memfd, which the caller closes, with every tensor in its place."""
        size = max(self._end, 1)
        fd = native.create_memory("values", size)
        try:
            memory = native.Memory.map_shared(fd, size)
            for offset, name, tensor in self._tensors:
                if tensor.numel() > 0:
                    target = torch.from_dlpack(memory.tensor(offset, name, list(tensor.shape)))
                    target.copy_(tensor)
        except BaseException:
            os.close(fd)
            raise
        return fd


def encode_float(value):
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def decode_scalar(node):
    """The value of an int, float, bool, str or none node."""
    kind, value = node.get("kind"), node.get("value")
    if kind == "none":
        return None
    if kind == "float" and isinstance(value, str) and value in FLOAT_WORDS:
        return FLOAT_WORDS[value]
    if kind == "float" and type(value) in (int, float):
        return float(value)
    for word, wanted in (("int", int), ("bool", bool), ("str", str)):
        if kind == word and type(value) is wanted:
            return value
    raise Fault(PROTOCOL, f"a value of kind {kind!r} cannot be {value!r:.80}")


def decode_nest(node, leaf, depth=0):
    """A Value or Binding as Python objects; `leaf` makes the tensors."""
    if not isinstance(node, dict) or depth > MAX_DEPTH:
        raise Fault(PROTOCOL, "a value must be an object and not nest deeper than 16")
    kind, items = node.get("kind"), node.get("items")
    if kind == "tensor":
        return leaf(node)
    if kind in ("list", "tuple", "dict"):
        if not isinstance(items, list):
            raise Fault(PROTOCOL, f"a {kind} has no items")
        if kind == "dict":
            return {key: decode_nest(item, leaf, depth + 1) for key, item in items}
        nest = [decode_nest(item, leaf, depth + 1) for item in items]
        return nest if kind == "list" else tuple(nest)
    return decode_scalar(node)


class TensorReader:
    """Copies tensors out of a memfd, whose size is what the kernel says, not what the sender says."""

    def __init__(self, fd):
        self._fd = fd
        self._size = os.fstat(fd).st_size if fd is not None else 0

    def __call__(self, node):
        name = node.get("dtype")
        if name not in DTYPES:
            raise Fault(PROTOCOL, f"unknown dtype {name!r:.80}")
        offset, size = node.get("offset"), node.get("bytes")
        if size != element_count(node.get("shape")) * ITEM_BYTES[name]:
            raise Fault(PROTOCOL, "a tensor's bytes do not fit its shape and dtype")
        if type(offset) is not int or offset < 0 or offset + size > self._size:
            raise Fault(PROTOCOL, f"a tensor lies outside its memory of {self._size} bytes")
        shape = node["shape"]
        if size == 0:
            return torch.empty(shape, dtype=DTYPES[name])
        buffer = bytearray(size)
        self._read(memoryview(buffer), offset)
        return torch.frombuffer(buffer, dtype=DTYPES[name]).reshape(shape)

    def _read(self, view, offset):
        while len(view) > 0:
            count = os.preadv(self._fd, [view], offset)
            if count <= 0:
                raise Fault(PROTOCOL, "a tensor's memory ended early")
            view, offset = view[count:], offset + count


def decode_values(nodes, fd):
    """The list of values whose tensors lie in `fd` (None: there are none)."""
    if not isinstance(nodes, list):
        raise Fault(PROTOCOL, "values must be an array")
    reader = TensorReader(fd)
    return [decode_nest(node, reader) for node in nodes]


def encode_values(values, what):
    """(JSON of each value, memfd)."""
    encoder = Encoder(what)
    nodes = [encoder.encode(value, f"[{i}]") for i, value in enumerate(values)]
    return nodes, encoder.write()
