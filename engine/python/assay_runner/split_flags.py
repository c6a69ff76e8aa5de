# SPDX-License-Identifier: Apache-2.0
"""The flags of a call, for g++, NVRTC and the linker; a flag whose meaning is not known here is NotSplit."""

import re

from torch.utils import cpp_extension

from assay_runner.split_tokens import NotSplit

# The precompiled header has them, so all that use it must: host code that wants CUDA's own half operators does not compile.
PREFIX_MACROS = [flag for flag in cpp_extension.COMMON_NVCC_FLAGS if flag.startswith("-D")]
DEVICE_PLAIN = {
    "--use_fast_math": "--use_fast_math", "-use_fast_math": "--use_fast_math", "-lineinfo": "--generate-line-info",
    "--lineinfo": "--generate-line-info", "--generate-line-info": "--generate-line-info", "-restrict": "--restrict",
    "--restrict": "--restrict",
}  # fmt: skip
NO_MEANING = frozenset((  # for what the two compilers make here
    "--expt-relaxed-constexpr", "-expt-relaxed-constexpr", "--expt-extended-lambda", "-expt-extended-lambda", "--extended-lambda",
    "-w", "-O0", "-O1", "-O2", "-O3", "-O", "--resource-usage", "-res-usage", "-allow-unsupported-compiler", "-std=c++17",
    "--allow-unsupported-compiler", "--std=c++17", "-std=gnu++17", "--disable-warnings", "-v", "--verbose", "-fPIC", "-g0",
    "-m64", "-Wall", "-Wextra", "-Wno-unused-variable", "-pthread", "-g", "-Wno-deprecated-declarations"))  # fmt: skip
WITH_VALUE_NO_MEANING = ("-Xcudafe", "--threads", "-t", "-diag-suppress", "--diag-suppress", "-Xfatbin", "-diag-error")
DEVICE_VALUES = {"fmad": ("true", "false"), "ftz": ("true", "false"), "prec-div": ("true", "false"), "prec-sqrt": ("true", "false")}
PTXAS_PLAIN = re.compile(r"-v|--verbose|-O[0-3]|-dlcm=c[agvs]|--def-load-cache=c[agvs]|-warn-spills|--warn-on-spills|"
                         r"-warn-lmem-usage|--warn-on-local-memory-usage|-allow-expensive-optimizations=(true|false)")  # fmt: skip


class Flags:
    """host_cpp, host_cuda: macros and flags for g++ on a .cpp and on a .cu; device: for NVRTC; optimises: per kind of unit."""

    def __init__(self, data, number):
        self._number = number
        self.device = [f"--gpu-architecture=sm_{number}", "--std=c++17", "--ptxas-options=-v"]
        self.optimises = {"cpp": False, "cuda": False}
        self.host_cpp = self._host(data["cflags"])
        macros = {}
        self._macros(PREFIX_MACROS)(macros)
        self._cuda(data["cuda_cflags"], macros)
        self.device += macros.values()
        own = [text for text in macros.values() if text[2:] not in {flag[2:] for flag in PREFIX_MACROS}]
        self.host_cuda = PREFIX_MACROS + own
        self.host_cpp = PREFIX_MACROS + self.host_cpp
        for flag in data["ldflags"]:
            if not flag.startswith(("-l", "-L", "-Wl,-rpath")):
                raise NotSplit(f"the linker's flag {flag}")

    def _host(self, flags):
        kept = []
        for flag in flags:
            if flag.startswith(("-D", "-U")) and len(flag) > 2:
                kept.append(flag)
            elif re.fullmatch(r"-O[123s]?", flag):
                self.optimises["cpp"] = True
            elif flag not in NO_MEANING and not flag.startswith(("-Wno-", "-Werror=return")):
                raise NotSplit(f"the flag {flag}")
        return kept

    @staticmethod
    def _macros(flags):
        def into(macros):
            for flag in flags:
                name = re.split(r"[=(]", flag[2:])[0]
                macros.pop(name, None)
                macros[name] = flag

        return into

    def _cuda(self, flags, macros):
        at = 0
        while at < len(flags):
            flag, following = flags[at], flags[at + 1] if at + 1 < len(flags) else ""
            at += 1
            name, _, value = flag.partition("=")
            if flag[:2] in ("-D", "-U"):
                if len(flag) == 2:
                    flag, at = flag + following, at + 1
                self._macros([flag])(macros)
            elif re.fullmatch(r"-O[123]", flag):
                self.optimises["cuda"] = True
            elif flag in DEVICE_PLAIN:
                self.device.append(DEVICE_PLAIN[flag])
            elif name.lstrip("-") in DEVICE_VALUES and value in DEVICE_VALUES[name.lstrip("-")]:
                self.device.append(f"--{name.lstrip('-')}={value}")
            elif name.lstrip("-") == "maxrregcount":
                if not value:
                    value, at = following, at + 1
                self.device.append(f"--maxrregcount={value}")
            elif name in ("-Xptxas", "--ptxas-options"):
                if not value:
                    value, at = following, at + 1
                self._ptxas(value)
            elif name in ("-Xcompiler", "--compiler-options"):
                if not value:
                    value, at = following, at + 1
                if not set(re.split(r"[,\s]+", value.strip("\"'"))) <= NO_MEANING:
                    raise NotSplit(f"the flag {flag} {value}")
            elif name in ("-gencode", "--generate-code", "-arch", "--gpu-architecture"):
                if not value:
                    value, at = following, at + 1
                words = set(re.split(r"[,=]", value)) - {"arch", "code"}
                if not words <= {f"compute_{self._number}", f"sm_{self._number}"} or f"sm_{self._number}" not in words:
                    raise NotSplit(f"code for {value}")
            elif name in WITH_VALUE_NO_MEANING:
                at += 0 if value else 1
            elif flag not in NO_MEANING:
                raise NotSplit(f"the flag {flag}")

    def _ptxas(self, value):
        for word in value.split(","):
            if not PTXAS_PLAIN.fullmatch(word):
                raise NotSplit(f"the flag -Xptxas {word}")
            if word not in ("-v", "--verbose"):
                self.device.append(f"--ptxas-options={word}")
