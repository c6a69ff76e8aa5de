# SPDX-License-Identifier: Apache-2.0
"""Symbols of object files and cubins, and names out of them."""

import ctypes
import struct

DEFINED_KINDS = {0: "other", 1: "object", 2: "function", 10: "function"}


def _sections(data):
    if data[:5] != b"\x7fELF\x02":
        raise ValueError("no ELF file of 64 bits")
    (offset,) = struct.unpack_from("<Q", data, 0x28)
    size, count = struct.unpack_from("<HH", data, 0x3A)
    return [struct.unpack_from("<IIQQQQIIQQ", data, offset + i * size) for i in range(count)]


def add_constant_bytes(kernels, cubin):
    """To each of the kernels' resources, from its constant bank 0 (parameters and constants)."""
    sections = _sections(cubin)
    (index,) = struct.unpack_from("<H", cubin, 0x3E)
    names = sections[index][4]
    sizes = {}
    for section in sections:
        end = cubin.index(b"\0", names + section[0])
        sizes[cubin[names + section[0] : end].decode("ascii", "replace")] = section[5]
    for kernel in kernels:
        if f".nv.constant0.{kernel['kernel_name']}" in sizes:
            kernel["constant_bytes"] = sizes[f".nv.constant0.{kernel['kernel_name']}"]


def symbols(data, local=False):
    """{name: (kind, size)} of what is defined in an ELF file of 64 bits, with external linkage or with any, and the undefined names."""
    sections = _sections(data)
    defined, undefined = {}, set()
    for section in sections:
        if section[1] != 2:  # SHT_SYMTAB
            continue
        names = sections[section[6]][4]
        for at in range(section[4], section[4] + section[5], 24):
            name_at, info, _, index, _, length = struct.unpack_from("<IBBHQQ", data, at)
            if (info >> 4 == 0 and not local) or name_at == 0:
                continue
            end = data.index(b"\0", names + name_at)
            name = data[names + name_at : end].decode("ascii", "replace")
            if index == 0:
                undefined.add(name)
            else:
                defined[name] = (DEFINED_KINDS.get(info & 15, "other"), length)
    return defined, undefined


_demangle = ctypes.CDLL("libstdc++.so.6").__cxa_demangle
_demangle.restype = ctypes.c_void_p
_free = ctypes.CDLL(None).free
_free.argtypes = [ctypes.c_void_p]


def readable(symbol):
    """ns::kernel<float, 4>(float const*, int) of a symbol; the symbol where it is no mangled name."""
    status = ctypes.c_int()
    text = _demangle(symbol.encode(), None, None, ctypes.byref(status))
    if not text:
        return symbol
    try:
        return ctypes.string_at(text).decode()
    finally:
        _free(text)


def without_parameters(name):
    """ns::kernel<float, 4> of "void ns::kernel<float, 4>(float const*, int)"."""
    depth, at = 0, 0
    for at, letter in enumerate(name):
        if letter == "<":
            depth += 1
        elif letter == ">":
            depth -= 1
        elif letter == "(" and depth == 0:
            break
        elif letter == " " and depth == 0:
            return without_parameters(name[at + 1 :])
    else:
        return name
    return name[:at]


def without_arguments(name):
    """ns::kernel of "ns::kernel<float, 4>"."""
    return name.split("<", 1)[0]
