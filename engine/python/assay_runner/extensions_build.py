# SPDX-License-Identifier: Apache-2.0
"""Builds one recorded call into a shared library. Three ways, the quickest first: "split" (docs/torch-cuda.md), then the
commands that stock torch would have ninja run, run directly, the units of all calls beside each other, each with slim
headers and, where that fails, with stock's.

ASSAY_EXTENSION_WAYS, for tests and diagnosis: a comma list of the ways that may be tried.
"""

import contextlib
import glob
import os
import signal
import subprocess
import sysconfig
import threading
import time

import torch
from torch.utils import cpp_extension

from assay_runner import extensions, extensions_log
from assay_runner.extensions_errors import first_error, same_mistake
from assay_runner.extensions_gpu import capability_of
from assay_runner.split_build import SplitBuild, Thread
from assay_runner.split_tokens import NotSplit

MAX_OUTPUT_BYTES = 1 << 20  # of one compiler; what is beyond is thrown away
MAX_PARALLEL = 4  # a compiler of torch's headers takes up to 2 GB
SPLIT, SLIM, STOCK = "split", "slim headers", "stock headers"
WAYS = {"split": SPLIT, "slim": SLIM, "stock": STOCK}
HEAD_START_SECONDS = 3.0  # of the split way, before the next begins beside it
HEAD_START_SECONDS_FEW_CORES = 9.0  # where both would share what there is
FEW_CORES = 3
POLL_SECONDS = 0.05
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
    """not_split: why the split way was not taken, where it was not."""

    def __init__(self, library, way, stages, log, kernels, not_split=""):
        self.library, self.way, self.stages, self.log, self.kernels = library, way, stages, log, kernels
        self.not_split = not_split


class Build:
    """One call: it is built from when this is made, `finish` waits for it. ways: of WAYS, all unless told.
    tell(text): of errors with which a way ended while the next is tried."""

    def __init__(self, call, architecture, toolkit, folder, pool, ways=None, tell=lambda text: None):
        self.call, self._architecture, self._toolkit, self._folder = call, architecture, toolkit, folder
        os.mkdir(folder)
        self._ways = ways or _allowed_ways()
        self._pool, self._commands, self._tell = pool, Commands(folder), tell
        self._units = [Unit(call, unit, folder) for unit in call.data["units"]]
        self._pending, self._start_lock = None, threading.Lock()
        self._split, self._split_error = None, (None, None)
        self._split_stages = {}
        if SPLIT in self._ways:
            self._split = Thread(self._build_split)
            self._watch = Thread(self._begin_beside) if len(self._ways) > 1 else None
        else:
            self._start_units()

    def _build_split(self):
        folder = os.path.join(self._folder, "split")
        self._split_commands = Commands(folder)
        build = SplitBuild(self.call, self._architecture_number(), self._toolkit, folder, self._split_commands.run)
        self._split_stages = build.stages
        try:
            return build.library(), build.kernels
        except NotSplit as reason:
            self._split_error = (reason.unit, reason.error)
            raise

    def _begin_beside(self):
        few = len(os.sched_getaffinity(0)) < FEW_CORES
        self._split.join(HEAD_START_SECONDS_FEW_CORES if few else HEAD_START_SECONDS)
        if self._split.is_alive() or self._split.failed:
            self._start_units()

    def _units_came_first(self):
        """Waits for the split way. True where the next, begun beside it, was quicker: the split way is ended then."""
        while self._split.is_alive():
            self._split.join(POLL_SECONDS)
            pending = self._pending
            if pending and all(future.done() for future in pending) and all(future.result()[0] == 0 for future in pending):
                self._split_commands.stop()
                return True
        return False

    def _start_units(self):
        with self._start_lock:
            if self._pending is None:
                self._pending = [self._pool.submit(self._compile, unit) for unit in self._units]

    def finish(self):
        """Built; Failed where a unit does not compile or the units do not link."""
        reason = ""
        if self._split is not None:
            try:
                if self._units_came_first():
                    raise NotSplit("the next way was quicker")
                library, kernels = self._split.result()
                self._commands.stop()
                return Built(library, SPLIT, self._split_stages, "", kernels)
            except (NotSplit, OSError, ValueError) as error:
                reason = str(error)
                if len(self._ways) == 1:
                    raise Failed(f"not the split way: {reason}") from None
            self._start_units()
        built = self._finish_units()
        built.not_split = reason
        if self._split is not None:
            built.stages["split"] = sum(self._split_stages.values())
        return built

    def _finish_units(self):
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
        ways = [way for way in (SLIM, STOCK) if way in self._ways]
        if any(word in unit.text for word in BEYOND_SLIM) and STOCK in ways:
            ways = [STOCK]
        for way in ways:
            status, output = self._commands.run(self._command(unit, way == SLIM))
            if status == 0 or way == ways[-1] or self._is_its_own(unit, output):
                break
            said = extensions_log.cleaned(output, self._folder, unit.sources)
            self._tell(f"extension '{self.call.name}', with {way} ({ways[-1]} not finished):\n{said}")
        return status, output, way, time.monotonic() - begin

    def _is_its_own(self, unit, output):
        """Whether the split way ended with the same mistake of the source: then stock's headers end with it, too."""
        name, error = self._split_error
        found = first_error(output)
        if found is not None:
            found.file = os.path.relpath(found.file, self._folder) if os.path.isabs(found.file) else found.file
        return name == unit.name and same_mistake(found, error, unit.sources)

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
        number = self._architecture_number()
        return [f"-gencode=arch=compute_{number},code=sm_{number}"]

    def _architecture_number(self):
        """"90", or "90a" where the call or the server asks for what only that chip has."""
        major, minor = capability_of(self._architecture)
        own_chip = f"{major}.{minor}a" in self.call.data["arch_list"] or self._architecture.endswith("a")
        return f"{major}{minor}{'a' if own_chip else ''}"

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


class Commands:
    """Runs programs until it is stopped, which ends those that run."""

    def __init__(self, folder):
        self._folder, self._lock = folder, threading.Lock()
        self._running, self._stopped = set(), False

    def run(self, command, text=None):
        with self._lock:
            if self._stopped:
                return 1, "stopped"
            process = _started(command, self._folder, text)
            self._running.add(process)
        try:
            return _ended(process, text)
        finally:
            with self._lock:
                self._running.discard(process)

    def stop(self):
        with self._lock:
            self._stopped = True
            for process in self._running:
                with contextlib.suppress(ProcessLookupError):  # it has ended
                    os.killpg(process.pid, signal.SIGKILL)


def _started(command, folder, text=None):
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip


def _ended(process, text=None):
    """(status, output of both streams, capped)."""
    if text is not None:
        with contextlib.suppress(BrokenPipeError), process.stdin as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
    kept = bytearray()
    with process.stdout as stream:
        while piece := stream.read1(1 << 16):
            kept += piece[: max(0, MAX_OUTPUT_BYTES - len(kept))]
    return process.wait(), kept.decode("utf-8", "replace")


def _run(command, folder, text=None):
    return _ended(_started(command, folder, text), text)


def _allowed_ways():
    told = os.environ.get("ASSAY_EXTENSION_WAYS", "")
    words = [word.strip() for word in told.split(",") if word.strip()] or list(WAYS)
    unknown = [word for word in words if word not in WAYS]
    if unknown:
        raise ValueError(f"ASSAY_EXTENSION_WAYS: {unknown[0]!r} is none of {', '.join(WAYS)}")
    return tuple(WAYS[word] for word in words)


def parallel():
    """Compilers at once within one build: the operator's MAX_JOBS, else one per processor, up to MAX_PARALLEL."""
    asked = os.environ.get("MAX_JOBS", "")
    return int(asked) if asked.isdigit() and int(asked) > 0 else max(1, min(len(os.sched_getaffinity(0)), MAX_PARALLEL))
