# SPDX-License-Identifier: Apache-2.0
"""Builds one recorded call into a shared library: the commands that stock torch would have ninja run, run directly, the
units of all calls beside each other. Each unit is tried with slim headers first and with stock's where that fails.
"""

import glob
import os
import subprocess
import sysconfig
import time

import torch
from torch.utils import cpp_extension

from assay_runner import extensions, extensions_log
from assay_runner.extensions_gpu import capability_of

MAX_OUTPUT_BYTES = 1 << 20  # of one compiler; what is beyond is thrown away
MAX_PARALLEL = 4  # a compiler of torch's headers takes up to 2 GB
SLIM, STOCK = "slim headers", "stock headers"
SLIM_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slim")
STANDARD = "-std=c++17"
# Sources with these words need more of torch than the slim headers hold: trying them would only cost time.
BEYOND_SLIM = ("torch::nn", "torch::autograd", "torch::jit", "torch::optim", "torch/csrc", "TORCH_LIBRARY", "at::native",
               "torch/library.h", "torch::indexing", "torch::serialize", "TORCH_STABLE_ONLY")  # fmt: skip
PYTHON_WORDS = ("PYBIND11", "py::", "pybind11", "Python.h")


class Toolkit:
    """Where compilers, headers and libraries are, and the folder for links to libraries without a version."""

    def __init__(self, cuda_folder, work_folder):
        self.cuda = cuda_folder
        torch_folder = os.path.dirname(torch.__file__)
        wheels = os.path.join(os.path.dirname(torch_folder), "nvidia")
        self.torch_libraries = os.path.join(torch_folder, "lib")
        headers = os.path.join(torch_folder, "include")
        self.torch_headers = [headers, os.path.join(headers, "torch", "csrc", "api", "include")]
        self.python_headers = sysconfig.get_path("include", scheme="posix_prefix")
        self.cuda_headers = [os.path.join(cuda_folder, "include"), os.path.join(cuda_folder, "include", "cccl")]
        self.cuda_headers += sorted(glob.glob(os.path.join(wheels, "cudnn", "include")))
        places = [os.path.join(cuda_folder, name) for name in ("lib64", "lib")]
        self.library_folders = [p for p in places if os.path.isdir(p)] + sorted(glob.glob(os.path.join(wheels, "*/lib")))
        self.links = os.path.join(work_folder, "lib")
        self._link_libraries()

    @property
    def nvcc(self):
        return os.path.join(self.cuda, "bin", "nvcc")

    def _link_libraries(self):
        """Wheels hold libx.so.13 alone, and -lx wants libx.so."""
        os.mkdir(self.links)
        for folder in reversed(self.library_folders):  # the toolkit's own win
            for path in glob.glob(os.path.join(folder, "lib*.so*")):
                link = os.path.join(self.links, os.path.basename(path).split(".so")[0] + ".so")
                if ".alt." not in path:
                    if os.path.lexists(link):
                        os.unlink(link)
                    os.symlink(path, link)
        link = os.path.join(self.links, "libcuda.so")
        if not os.path.lexists(link):  # the driver's: its symbols are found at run time
            command = ["gcc", "-shared", "-x", "c", "/dev/null", "-Wl,-soname,libcuda.so.1", "-o", link]
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


class Failed(Exception):
    """An extension that does not build; the text is the compilers', cleaned."""


class Unit:
    """A source file of a call on its way to an object file."""

    def __init__(self, call, unit, folder):
        self.call = call
        self.name = unit["name"]
        self.cuda = extensions.is_cuda_file(self.name) and call.with_cuda
        self.path = os.path.join(folder, self.name)
        self.object = os.path.join(folder, self.name + ".o")
        self.sources = {part["name"]: part["text"] for part in unit["parts"]}
        self.text = "\n".join(part["text"] for part in unit["parts"])
        with open(self.path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(_with_line_marks(unit["parts"]))


class Built:
    def __init__(self, library, way, stages, log, kernels):
        self.library, self.way, self.stages, self.log, self.kernels = library, way, stages, log, kernels


class Build:
    """One call: its units go to the pool as it is made, `finish` links."""

    def __init__(self, call, architecture, toolkit, folder, pool):
        self.call, self._architecture, self._toolkit, self._folder = call, architecture, toolkit, folder
        os.mkdir(folder)
        self._units = [Unit(call, unit, folder) for unit in call.data["units"]]
        self._pending = [pool.submit(self._compile, unit) for unit in self._units]

    def finish(self):
        """Built; Failed where a unit does not compile or the units do not link."""
        done = [future.result() for future in self._pending]  # of all: whichever fails first in time is not the first
        stages, logs, ways, errors = {}, [], set(), []
        for unit, (status, output, way, seconds) in zip(self._units, done):
            stage = "device" if unit.cuda else "host"
            stages[stage] = max(stages.get(stage, 0.0), seconds)
            ways.add(way)
            logs.append(output)
            if status != 0:
                said = extensions_log.cleaned(output, self._folder, unit.sources)
                errors.append(said or f"the compiler of {unit.name} ended with status {status}")
        if errors:
            raise Failed("\n".join(errors)[: extensions_log.MAX_CHARACTERS])
        begin = time.monotonic()
        library = os.path.join(self._folder, self.call.name + ".so")
        status, output = _run(self._link_command(library), self._folder)
        if status != 0:
            raise Failed(extensions_log.cleaned(output, self._folder) or f"the linker ended with status {status}")
        stages["link"] = time.monotonic() - begin
        with open(library, "rb") as file:
            data = file.read()
        log = "\n".join(text for text in (extensions_log.warnings(text, self._folder) for text in logs) if text)
        kernels = [kernel for text in logs for kernel in extensions_log.resources(text)]
        return Built(data, STOCK if STOCK in ways else SLIM, stages, log, kernels)

    def _compile(self, unit):
        begin = time.monotonic()
        ways = (STOCK,) if any(word in unit.text for word in BEYOND_SLIM) else (SLIM, STOCK)
        for way in ways:
            status, output = _run(self._command(unit, way == SLIM), self._folder)
            if status == 0:
                break
        return status, output, way, time.monotonic() - begin

    def _command(self, unit, slim):
        data, toolkit = self.call.data, self._toolkit
        flags = [f"-DTORCH_EXTENSION_NAME={self.call.name}", "-DTORCH_API_INCLUDE_EXTENSION_H"]
        flags += [f"-I{path}" for path in data["include_paths"]]
        if slim:
            flags.append(f"-I{SLIM_FOLDER}")
            if not unit.cuda or any(word in unit.text for word in PYTHON_WORDS):
                flags.append("-DASSAY_SLIM_WITH_PYTHON")
        system = toolkit.torch_headers + (toolkit.cuda_headers if self.call.with_cuda else [])
        for path in [*system, toolkit.python_headers]:
            flags += ["-isystem", path]
        if not unit.cuda:
            return ["g++", *flags, "-fPIC", STANDARD, *data["cflags"], "-c", unit.path, "-o", unit.object]
        own = data["cuda_cflags"]
        flags += cpp_extension.COMMON_NVCC_FLAGS + self._architecture_flags(own)
        flags += ["--compiler-options", "-fPIC", "--resource-usage", *own]
        if not any(flag.startswith(("-std=", "--std")) for flag in own):
            flags.append(STANDARD)
        return [toolkit.nvcc, *flags, "-c", unit.path, "-o", unit.object]

    def _architecture_flags(self, own):
        if any("arch" in flag for flag in own):  # as stock does it
            return []
        major, minor = capability_of(self._architecture)
        number = f"{major}{minor}"
        if f"{major}.{minor}a" in self.call.data["arch_list"] or self._architecture.endswith("a"):
            number += "a"
        return [f"-gencode=arch=compute_{number},code=sm_{number}"]

    def _link_command(self, library):
        toolkit = self._toolkit
        flags = ["-shared", *self.call.data["ldflags"], f"-L{toolkit.torch_libraries}", "-lc10"]
        if self.call.with_cuda:
            flags.append("-lc10_cuda")
        flags.append("-ltorch_cpu")
        if self.call.with_cuda:
            flags.append("-ltorch_cuda")
        flags += ["-ltorch", "-ltorch_python", f"-L{toolkit.links}"]
        if self.call.with_cuda:
            flags.append("-lcudart")
        for folder in toolkit.library_folders:
            flags.append(f"-Wl,-rpath,{folder}")
        return ["g++", *(unit.object for unit in self._units), *flags, "-o", library]


def _with_line_marks(parts):
    pieces = []
    for part in parts:
        if part["name"]:
            pieces.append(f'#line 1 "{part["name"]}"')
        pieces.append(part["text"])
    return "\n".join(pieces) + "\n"


def _run(command, folder):
    """(status, output of both streams, capped)."""
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    kept = bytearray()
    with process.stdout as stream:
        while piece := stream.read1(1 << 16):
            kept += piece[: max(0, MAX_OUTPUT_BYTES - len(kept))]
    return process.wait(), kept.decode("utf-8", "replace")


def parallel():
    return max(1, min(len(os.sched_getaffinity(0)), MAX_PARALLEL))
