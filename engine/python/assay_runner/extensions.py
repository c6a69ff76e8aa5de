# SPDX-License-Identifier: Apache-2.0
"""One call of torch.utils.cpp_extension.load_inline or load as plain data, and the keys by which what was built of it
is found again when the same source makes the same call in a runner.

Two keys: with the extension's name, and without it (some sources make their names up at random). Neither depends on
folders, which differ from run to run.
"""

import hashlib
import inspect
import json
import os
import shlex

from torch.utils import cpp_extension

from assay_runner.errors import CONTRACT, Fault

STOCK_LOAD_INLINE = cpp_extension.load_inline
STOCK_LOAD = cpp_extension.load
CUDA_ENDINGS = (".cu", ".cuh")
PATH_FLAGS = ("-I", "-L", "-isystem", "--include-path", "--library-path")
MAX_CALL_BYTES = 8 << 20


class Call:
    """What is to be built. `data` is a JSON object:

    name, api ("load_inline" or "load"), units [{"name", "parts": [{"name", "text"}]}], with_cuda, python_module,
    cflags, cuda_cflags, ldflags, include_paths, arch_list (TORCH_CUDA_ARCH_LIST as it was at the call)
    """

    def __init__(self, data):
        self.data = data
        self.name = data["name"]

    @property
    def with_cuda(self):
        return self.data["with_cuda"]

    @property
    def key(self):
        return self._digest(self.name)

    @property
    def nameless_key(self):
        return self._digest(None)

    def _digest(self, name):
        flags = [_without_paths(self.data[field]) for field in ("cflags", "cuda_cflags", "ldflags")]
        told = [name, self.data["units"], self.data["with_cuda"], self.data["python_module"], flags]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def inline_call(arguments, keywords):
    """The Call that load_inline(*arguments, **keywords) asks for; TypeError where stock raises it."""
    given = _bound(STOCK_LOAD_INLINE, arguments, keywords)
    _refuse(given)
    implicit = not given["no_implicit_headers"]
    cpp = _strings(given["cpp_sources"], "cpp_sources")
    cuda = _strings(given["cuda_sources"], "cuda_sources")
    units = [_unit("main.cpp", ["torch/extension.h"] if implicit else [], "cpp_sources", cpp)]
    units[0]["parts"].extend(_bindings(given["functions"], given["with_pytorch_error_handling"]))
    if cuda:
        headers = ["torch/types.h", "cuda.h", "cuda_runtime.h"] if implicit else []
        units.append(_unit("cuda.cu", headers, "cuda_sources", cuda))
    return _call("load_inline", given, units)


def file_call(arguments, keywords):
    """The Call that load(*arguments, **keywords) asks for, with the contents of its files."""
    given = _bound(STOCK_LOAD, arguments, keywords)
    _refuse(given)
    if given["is_standalone"]:
        raise Fault(CONTRACT, "load(is_standalone=True) makes a program, which no kernel can call")
    units, folders = [], []
    for number, path in enumerate(_strings(given["sources"], "sources")):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            text = file.read(MAX_CALL_BYTES + 1)
        base = os.path.basename(path)
        units.append({"name": f"{number}_{base}", "parts": [{"name": base, "text": text}]})
        folders.append(os.path.dirname(os.path.abspath(path)))
    given["extra_include_paths"] = _strings(given["extra_include_paths"], "extra_include_paths") + sorted(set(folders))
    return _call("load", given, units)


def is_cuda_file(name):
    return name.endswith(CUDA_ENDINGS)


def _call(api, given, units):
    with_cuda = given["with_cuda"]
    if with_cuda is None:
        with_cuda = any(is_cuda_file(unit["name"]) for unit in units)
    name = given["name"]
    if not isinstance(name, str) or not name.isidentifier():
        raise Fault(CONTRACT, f"the name of an extension must be an identifier of C++, not {name!r:.80}")
    data = {
        "name": name,
        "api": api,
        "units": units,
        "with_cuda": bool(with_cuda),
        "python_module": bool(given["is_python_module"]),
        "cflags": _flags(given["extra_cflags"], "extra_cflags"),
        "cuda_cflags": _flags(given["extra_cuda_cflags"], "extra_cuda_cflags"),
        "ldflags": _flags(given["extra_ldflags"], "extra_ldflags"),
        "include_paths": [os.path.abspath(path.strip()) for path in _strings(given["extra_include_paths"], "")],
        "arch_list": os.environ.get("TORCH_CUDA_ARCH_LIST", ""),
    }
    if len(json.dumps(data)) > MAX_CALL_BYTES:
        raise Fault(CONTRACT, f"the sources of extension '{name}' are longer than {MAX_CALL_BYTES >> 20} MiB")
    return Call(data)


def _bound(function, arguments, keywords):
    bound = inspect.signature(function).bind(*arguments, **keywords)
    bound.apply_defaults()
    return bound.arguments


def _refuse(given):
    if given.get("sycl_sources") or given.get("with_sycl"):
        raise Fault(CONTRACT, "SYCL extensions cannot be built here: this server evaluates on NVIDIA GPUs")


def _unit(name, headers, label, sources):
    """Parts keep the submitted strings apart, so that errors name the string and its own line."""
    parts = [{"name": "", "text": "\n".join(f"#include <{header}>" for header in headers)}] if headers else []
    for number, text in enumerate(sources):
        parts.append({"name": label if len(sources) == 1 else f"{label}[{number}]", "text": text})
    return {"name": name, "parts": parts}


def _bindings(functions, torch_errors):
    if functions is None:
        return []
    if isinstance(functions, str):
        functions = [functions]
    if isinstance(functions, (list, tuple)):
        functions = {name: name for name in functions}
    if not isinstance(functions, dict):
        raise ValueError(f"Expected 'functions' to be a list or dict, but was {type(functions)}")
    lines = ["PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {"]
    for name, documentation in functions.items():
        target = f"torch::wrap_pybind_function({name})" if torch_errors else name
        lines.append(f'm.def("{name}", {target}, {json.dumps(str(documentation))});')
    return [{"name": "functions", "text": "\n".join([*lines, "}"])}]


def _strings(value, what):
    if value is None:
        return []
    if isinstance(value, (str, os.PathLike)):
        value = [value]
    strings = [os.fspath(item) if isinstance(item, os.PathLike) else item for item in value]
    if not all(isinstance(item, str) for item in strings):
        raise TypeError(f"{what} must be a string or a list of strings")
    return strings


def _flags(value, what):
    if isinstance(value, str):
        raise TypeError(f"{what} must be a list of strings, not one string")
    # Stock joins them in a line of a shell: an empty one vanishes, "-O3 -lineinfo" is two.
    return shlex.split(" ".join(_strings(value, what)))


def _without_paths(flags):
    kept, skip = [], False
    for flag in flags:
        if skip:
            skip = False
        elif flag in PATH_FLAGS:
            skip = True
        elif not flag.startswith(PATH_FLAGS):
            kept.append(flag)
    return kept


class BuildError(RuntimeError):
    """What stock raises, as RuntimeError, when an extension does not build."""


def build_error(name, log):
    return BuildError(f"Error building extension '{name}': {log}")
