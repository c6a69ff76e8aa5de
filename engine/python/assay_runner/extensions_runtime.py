# SPDX-License-Identifier: Apache-2.0
"""load_inline and load in a runner: they import what the compiler built for the same call."""

import importlib
import importlib.util
import os
import tempfile
import types

import torch
from torch.utils import cpp_extension

from assay_runner import extensions
from assay_runner.errors import EXTENSION, Fault


_missing = None


def missing():
    """The Fault for the first extension that was asked for and is not there, or None. The submission may have caught it
    and gone on without the extension: what it does then is not what was submitted.
    """
    return _missing


def install(artifact):
    """From here on a call of load_inline or load in this process is answered from the artifact."""
    library = Library(artifact.launch, artifact.bytes)
    cpp_extension.load_inline, cpp_extension.load = library.load_inline, library.load


class Library:
    def __init__(self, launch, data):
        self._data = data
        self._entries, self._nameless = {}, {}
        for entry in launch["extensions"]:
            self._entries[entry["key"]] = entry
            self._nameless.setdefault(entry["nameless_key"], entry)
        self._failed = {entry["key"]: entry["error"] for entry in launch["failed"]}
        self._loaded = {}  # key -> module or path
        self._folder = None

    def load_inline(self, *arguments, **keywords):
        return self._find(extensions.inline_call(arguments, keywords))

    def load(self, *arguments, **keywords):
        return self._find(extensions.file_call(arguments, keywords))

    def _find(self, call):
        if call.key in self._failed:
            raise extensions.build_error(call.name, self._failed[call.key])
        entry = self._entries.get(call.key) or self._nameless.get(call.nameless_key)
        if entry is None:
            global _missing
            _missing = _missing or Fault(
                EXTENSION,
                f"extension '{call.name}' was not seen when the source was compiled (it is built only when the kernel "
                "runs, or from values that differ from run to run); call load_inline at the top level or in __init__",
                "RuntimeError",
                call=call.data,
            )
            raise _missing
        if entry["key"] not in self._loaded:
            self._loaded[entry["key"]] = self._load(entry)
        return self._loaded[entry["key"]]

    def _load(self, entry):
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="extensions-")
        place = os.path.join(self._folder, entry["key"][:16])
        os.mkdir(place)
        path = os.path.join(place, entry["name"] + ".so")
        with open(path, "wb") as file:
            file.write(self._data[entry["offset"] : entry["offset"] + entry["bytes"]])
        if not entry["python_module"]:
            torch.ops.load_library(path)
            return path
        if entry.get("caller"):
            module = types.ModuleType(entry["name"])
            module.__file__ = path
            importlib.import_module("_assay_extension_caller").load(path, module)
            return module
        spec = importlib.util.spec_from_file_location(entry["name"], path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
