# SPDX-License-Identifier: Apache-2.0
"""The split way of building an extension: device code by NVRTC, host code by g++ over a precompiled header, bindings by a
precompiled caller. What does not fit is NotSplit, and is built as stock builds it.
"""

import glob
import json
import os
import sys
import threading
import time

from assay_runner import extensions_log, split_objects
from assay_runner.extensions_errors import first_error, place_of
from assay_runner.split_flags import PREFIX_MACROS, Flags
from assay_runner.split_headers import STANDARD_HEADERS, included
from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, NotSplit, tokenize
from assay_runner.split_units import FOREIGN, Units

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "split")
SLIM_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "slim")
PREFIX = os.path.join(FOLDER, "assay_split.h")
NVRTC_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "split_nvrtc.py")
STUB_LIBRARIES = ("libc10.so", "libc10_cuda.so", "libtorch_cpu.so", "libtorch_cuda.so", "libtorch.so")
ENTRY = "assay_split_module"
OPTIMIZE = '#pragma GCC optimize("O2")'
CPP_HEADERS = ("torch/extension.h", "torch/types.h", "torch/all.h", "torch/torch.h", "torch/python.h", "ATen/ATen.h",
               "torch/csrc/utils/pybind.h", "pybind11/pybind11.h", "pybind11/stl.h", "cuda_runtime.h", "cuda_runtime_api.h",
               "cuda.h", "cuda_fp16.h", "cuda_bf16.h", "ATen/cuda/CUDAContext.h")  # fmt: skip
TORCH_NAMESPACES = {"c10", "at", "torch"}
REGISTRATION = """#define HIDDEN __attribute__((visibility("hidden")))
typedef unsigned long size_t;
extern "C" {
void** __cudaRegisterFatBinary(void*);
void __cudaRegisterFatBinaryEnd(void**);
void __cudaUnregisterFatBinary(void**);
void __cudaRegisterFunction(void**, const char*, char*, const char*, int, void*, void*, void*, void*, int*);
void __cudaRegisterVar(void**, char*, char*, const char*, int, size_t, int, int);
int atexit(void (*)(void));
}
"""


def host_command(output, flags=()):
    """g++'s command line up to the source, for units and for the header they share."""
    return ["g++", "-O0", "-g0", "-w", "-fPIC", "-std=c++17", "-pipe", "-fmax-errors=1", *flags, "-o", output]


def include_flags(toolkit):
    flags = [f"-I{FOLDER}", f"-I{SLIM_FOLDER}"]  # its own before what it shares with the slim way
    for path in toolkit.torch_headers + toolkit.cuda_headers:
        flags += ["-isystem", path]
    return flags


class SplitBuild:
    """One call. run(arguments, input) starts a program and gives (status, output); it raises when the build is given up."""

    def __init__(self, call, number, toolkit, folder, run):
        self._call, self._toolkit, self._folder, self._run = call, toolkit, folder, run
        self._number = number
        self.stages = {}
        self.kernels = []
        os.mkdir(folder)

    def library(self):
        """The library's bytes, or NotSplit."""
        begin = time.monotonic()
        flags = Flags(self._call.data, self._number)
        units = [self._prepared(index, unit) for index, unit in enumerate(self._call.data["units"])]
        if not self._call.data["python_module"]:
            raise NotSplit("an extension that is no Python module")
        self._stage("split", begin)
        threads = [Thread(self._compiled, unit, flags) for unit in units]
        done = [thread.result() for thread in threads]
        return self._linked(done)

    def _stage(self, name, begin):
        self.stages[name] = max(self.stages.get(name, 0.0), time.monotonic() - begin)

    def _prepared(self, index, unit):
        text = "\n".join(part["text"] for part in unit["parts"])
        cuda = self._call.with_cuda and unit["name"].endswith((".cu", ".cuh"))
        if cuda:
            units = Units(text, f"assay_unnamed_{index}")
        else:
            _check_host(text)
            units = None
        return index, unit["name"], text, units

    def _compiled(self, prepared, flags):
        """(object's path, Units, cubin's bytes or None)"""
        index, name, text, units = prepared
        kind = "cpp" if units is None else "cuda"
        host = text if units is None else units.host
        begin = time.monotonic()
        device = None
        if units is not None and units.kernels and not any(units.kernels.values()):
            device = Thread(self._device, index, units, flags, [])  # no templates: beside g++
        path = os.path.join(self._folder, f"{index}.cpp")
        with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write((_optimised(host) if flags.optimises[kind] else "") + host + "\n")
        macros = flags.host_cpp if units is None else flags.host_cuda
        if not self._call.with_cuda and flags.optimises["cpp"]:
            raise NotSplit("optimised code of the host")
        command = host_command(
            path + ".o", [*macros, f"-DTORCH_EXTENSION_NAME={self._call.name}", "-include", PREFIX, *include_flags(self._toolkit)]
        )
        status, output = self._run([*command, "-c", path])
        self._stage("host", begin)
        if status != 0:
            raise NotSplit("g++: " + _first_error(output), self._own_error(output, path, name), name)
        cubin = None
        if units is not None and units.kernels:
            with open(path + ".o", "rb") as file:
                made = file.read()
            defined, undefined = split_objects.symbols(made)
            if len(_stubs(split_objects.symbols(made, local=True)[0], units)) > len(_stubs(defined, units)):
                raise NotSplit("a kernel for a type that only its function knows (a lambda's)")
            for symbol in undefined:
                if split_objects.without_arguments(split_objects.without_parameters(split_objects.readable(symbol))) in units.device_functions:
                    raise NotSplit(f"host code that calls {symbol}")
            stubs = _stubs(defined, units)
            cubin = device.result() if device else self._device(index, units, flags, [name for _, name in stubs if "<" in name])
            cubin = self._registered(index, cubin, stubs, defined, units)
        return path + ".o", defined_entry(path + ".o"), cubin

    def _own_error(self, output, path, name):
        """g++'s first error, placed in the source's own parts, or None."""
        error = first_error(output)
        if error is None or error.file != path:
            return None
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            before = file.readline().startswith(OPTIMIZE)
        parts = next(unit["parts"] for unit in self._call.data["units"] if unit["name"] == name)
        error.file, error.line = place_of(parts, error.line - before)
        return None if error.line is None else error

    def _device(self, index, units, flags, names):
        begin = time.monotonic()
        text = units.device(names)
        tokens = tokenize(text)
        words = {t.text for t in tokens if t.kind == IDENTIFIER}
        libcu = any(t.kind == PREPROCESSOR and ("cub/" in t.text or "cooperative_groups" in t.text) for t in tokens)
        scalars = bool(words & TORCH_NAMESPACES) or any("c10::" in name for name in names)
        source = f'#define ASSAY_SPLIT_C10 {int(scalars)}\n#define ASSAY_SPLIT_CCCL {int(libcu)}\n#include "assay_split_device.h"\n{text}'
        path = os.path.join(self._folder, f"{index}.cubin")
        options = [*flags.device, f"--include-path={FOLDER}", "--disable-warnings"]
        if scalars:
            folders = [os.path.join(FOLDER, "device"), self._toolkit.torch_headers[0]]
            options += ["--device-as-default-execution-space", *(f"--include-path={folder}" for folder in folders)]
        options += [f"--include-path={folder}" for folder in self._toolkit.cuda_headers]
        names = names + [f"&{name}" for name in units.variables]
        request = {"library": _nvrtc(self._toolkit), "source": source, "options": options, "names": names, "cubin": path}
        status, output = self._run([sys.executable, "-I", "-S", NVRTC_PROGRAM], json.dumps(request))
        self._stage("device", begin)
        try:
            answer = json.loads(output)
        except ValueError:
            raise NotSplit(f"NVRTC ended with status {status}") from None
        if not answer["ok"]:
            error = first_error(answer["log"])
            if error is not None:
                error.file = error.line = None  # of a text that only NVRTC saw
            raise NotSplit("NVRTC: " + _first_error(answer["log"]), error, self._call.data["units"][index]["name"])
        with open(path, "rb") as file:
            cubin = file.read()
        kernels = extensions_log.resources(answer["log"])
        split_objects.add_constant_bytes(kernels, cubin)
        self.kernels += kernels
        return cubin

    def _registered(self, index, cubin, stubs, host, units):
        """The C source that tells CUDA's runtime of kernels and variables, as nvcc's own stubs do; its path."""
        device, _ = split_objects.symbols(cubin, local=True)
        wanted = sorted({symbol for symbol, _ in stubs})  # overloads share a name
        for symbol in wanted:
            if device.get(symbol, ("",))[0] != "function":
                raise NotSplit(f"NVRTC has no {symbol}")
        variables = []
        readable = {split_objects.readable(symbol): symbol for symbol, (kind, _) in host.items() if kind == "object"}
        for name, constant in units.variables.items():
            symbol = readable.get(name, name)
            if symbol not in host or device.get(symbol, ("",))[0] != "object":
                raise NotSplit(f"no symbol for the variable {name}")
            variables.append((symbol, device[symbol][1], constant))
        image = os.path.join(self._folder, f"{index}.fatbin")
        fatbinary = os.path.join(self._toolkit.cuda, "bin", "fatbinary")
        status, output = self._run([fatbinary, f"--create={image}", "--64", f"--image3=kind=elf,sm={self._number},file={self._folder}/{index}.cubin"])
        if status != 0:
            raise NotSplit("fatbinary: " + output[:200])
        path = os.path.join(self._folder, f"{index}.register.cpp")
        with open(path, "w", encoding="ascii") as file:
            file.write(_registration(image, wanted, variables))
        return path

    def _linked(self, done):
        begin = time.monotonic()
        if sum(entry for _, entry, _ in done) != 1:
            raise NotSplit("no PYBIND11_MODULE")
        library = os.path.join(self._folder, self._call.name + ".so")
        toolkit = self._toolkit
        command = ["g++", "-shared", "-fPIC", "-O1", "-w", "-Wl,--no-as-needed"]
        command += [path for path, _, _ in done]
        command += [path for _, _, path in done if path]
        stubs = os.path.join(FOLDER, "lib")
        for name in STUB_LIBRARIES:
            if "cuda" in name and not self._call.with_cuda:
                continue
            place = stubs if os.path.exists(os.path.join(stubs, name)) else toolkit.torch_libraries
            command.append(os.path.join(place, name))
        command += [*self._call.data["ldflags"], f"-L{toolkit.links}"]
        if self._call.with_cuda:
            command.append("-lcudart")
        for folder in toolkit.library_folders:
            command.append(f"-Wl,-rpath,{folder}")
        status, output = self._run([*command, "-o", library])
        self._stage("link", begin)
        if status != 0:
            raise NotSplit("ld: " + output[-600:])
        with open(library, "rb") as file:
            return file.read()


class Thread(threading.Thread):
    """A function beside; result() gives what it gave or raises what it raised."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self._function, self._arguments = function, arguments
        self._value = self._error = None
        self.start()

    def run(self):
        try:
            self._value = self._function(*self._arguments)
        except BaseException as error:
            self._error = error

    @property
    def failed(self):
        return self._error is not None

    def result(self):
        self.join()
        if self._error is not None:
            raise self._error
        return self._value


def prepare(toolkit, folder, run):
    """Makes what all builds share, below `folder`: the precompiled header, and empty libraries with the names of torch's,
    so that ld need not read a gigabyte of symbols to learn five names.
    """
    source = os.path.join(folder, "assay_split.h")
    status, output = run([*host_command(source + ".new", [*PREFIX_MACROS, *include_flags(toolkit)]), "-x", "c++-header", source])
    if status != 0:
        raise RuntimeError(output)
    os.replace(source + ".new", source + ".gch")  # whole or not there
    os.makedirs(os.path.join(folder, "lib"), exist_ok=True)
    for name in STUB_LIBRARIES:
        status, output = run(["gcc", "-shared", "-nostdlib", f"-Wl,-soname,{name}", "-x", "c", "/dev/null", "-o", os.path.join(folder, "lib", name)])
        if status != 0:
            raise RuntimeError(output)


def defined_entry(path):
    with open(path, "rb") as file:
        return ENTRY in split_objects.symbols(file.read())[0]


def _check_host(text):
    for token in tokenize(text):
        if token.kind == PREPROCESSOR:
            name = included(token.text)
            if name is not None and name not in STANDARD_HEADERS and name not in CPP_HEADERS:
                raise NotSplit(f"the header {name}")
        elif token.kind == IDENTIFIER and token.text in FOREIGN:
            raise NotSplit(f"the word {token.text}")


def _stubs(defined, units):
    """[(symbol, name expression)] of the kernels that g++ made stubs of."""
    found = []
    for symbol, (kind, _) in defined.items():
        if kind != "function":
            continue
        name = split_objects.without_parameters(split_objects.readable(symbol))
        base = split_objects.without_arguments(name)
        if base in units.kernels:
            found.append((symbol, name))
        elif symbol == base:  # extern "C"
            found += [(symbol, kernel) for kernel in units.kernels if kernel.rsplit("::", 1)[-1] == base]
    return found


def _registration(image, kernels, variables):
    lines = [REGISTRATION]
    lines.append(
        '__asm__(".section .nv_fatbin,\\"a\\"\\n.balign 8\\n.globl assay_split_image\\n.hidden assay_split_image\\n'
        f'assay_split_image:\\n.incbin \\"{image}\\"\\n.balign 8\\n.previous\\n");'.replace("assay_split_image", _image_name(image))
    )
    lines.append(f"extern const char {_image_name(image)}[] HIDDEN;")
    lines.append("static struct { int magic, version; const void* data; void* more; } wrapper "
                 f'__attribute__((section(".nvFatBinSegment"))) = {{0x466243b1, 1, {_image_name(image)}, 0}};')  # fmt: skip
    for number, symbol in enumerate(kernels):
        lines.append(f'extern const char kernel{number}[] __asm__("{symbol}") HIDDEN;')
    for number, (symbol, _, _) in enumerate(variables):
        lines.append(f'extern char variable{number}[] __asm__("{symbol}") HIDDEN;')
    lines.append("static void** handle;\nstatic void leave(void) { __cudaUnregisterFatBinary(handle); }")
    lines.append("__attribute__((constructor(101))) static void enter(void) {\n  handle = __cudaRegisterFatBinary(&wrapper);")
    for number, symbol in enumerate(kernels):
        lines.append(f'  __cudaRegisterFunction(handle, kernel{number}, (char*)"{symbol}", "{symbol}", -1, 0, 0, 0, 0, 0);')
    for number, (symbol, size, constant) in enumerate(variables):
        lines.append(f'  __cudaRegisterVar(handle, variable{number}, (char*)"{symbol}", "{symbol}", 0, {size}, {int(constant)}, 0);')
    lines.append("  __cudaRegisterFatBinaryEnd(handle);\n  atexit(leave);\n}\n")
    return "\n".join(lines)


def _image_name(image):
    return "assay_split_image_" + os.path.basename(image).split(".")[0]


def _optimised(host):
    loops = any(token.text in ("for", "while") for token in tokenize(host) if token.kind == IDENTIFIER)
    return f"{OPTIMIZE}\n" if loops else ""


def _nvrtc(toolkit):
    found = [path for folder in toolkit.library_folders for path in sorted(glob.glob(os.path.join(folder, "libnvrtc.so*")))]
    if not found:
        raise NotSplit("no NVRTC")
    return found[0]


def _first_error(output):
    return next((line for line in output.splitlines() if "error" in line), output[:200])[:400]
