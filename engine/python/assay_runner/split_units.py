# SPDX-License-Identifier: Apache-2.0
"""A CUDA source as two units: what g++ compiles, in which every kernel is a stub that launches, and what NVRTC compiles,
which holds the kernels and what they are made of.
"""

from assay_runner.split_device import DeviceUnit
from assay_runner.split_headers import Headers
from assay_runner.split_host import HostUnit
from assay_runner.split_source import CLASS, DIRECTIVE, FUNCTION, MACRO, VARIABLE, Source, qualified
from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, NotSplit, tokenize

# Words whose meaning here would not be nvcc's.
FOREIGN = frozenset((
    "__CUDACC__", "__NVCC__", "__CUDACC_RTC__", "__managed__", "texture", "surface", "__cudaPushCallConfiguration", "asm_volatile_goto",
    "TORCH_LIBRARY", "TORCH_LIBRARY_FRAGMENT", "TORCH_LIBRARY_IMPL", "__nv_is_extended_device_lambda_closure_type",
    "cudaGetDriverEntryPoint", "nvstd", "__COUNTER__", "CUDA_KERNEL_LOOP"))  # fmt: skip
CONDITION_WORDS = frozenset((
    "defined", "__CUDA_ARCH__", "USE_ROCM", "__HIP_PLATFORM_AMD__", "__HIP_PLATFORM_HCC__", "__HIPCC__", "__HIP__",
    "CUDA_VERSION", "CUDART_VERSION", "__cplusplus", "TORCH_HIP_VERSION", "true", "false"))  # fmt: skip


class Units:
    """host: the text for g++. kernels: {qualified name: has a template}; variables: of the device, {qualified name: is
    constant}; device_functions: names that host code has no definition of; plain: kernels without templates.
    """

    def __init__(self, text, unnamed):
        source = Source(text, unnamed)
        self._source = source
        _refuse(source)
        self.kernels, self.variables, self.device_functions = {}, {}, set()
        self.directives = Headers(source)
        _note(source.items, self)
        self.host = HostUnit(source, self).text()
        self.has_bindings = any(item.kind == MACRO and item.name == "PYBIND11_MODULE" for item in source.items)

    def device(self, expressions=()):
        """The text for NVRTC, with what the name expressions of instantiations need."""
        words = [token.text for text in expressions for token in tokenize(text) if token.kind == IDENTIFIER]
        return DeviceUnit(self._source, self).text(words) if self.kernels else ""


def _note(items, units):
    for item in items:
        if item.kind == FUNCTION and item.is_kernel:
            units.kernels[qualified(item)] = units.kernels.get(qualified(item), False) or item.template is not None
        elif item.kind == FUNCTION and item.device_only:
            units.device_functions.add(qualified(item))
        elif item.kind == VARIABLE and item.specifiers & {"__device__", "__constant__"} and "__shared__" not in item.specifiers:
            if item.template is not None or "const" in item.specifiers or "constexpr" in item.specifiers:
                continue  # nobody copies to it
            units.variables[qualified(item)] = "__constant__" in item.specifiers
        elif item.kind == CLASS:
            for member in item.members:
                if member.kind == FUNCTION and member.device_only:
                    units.device_functions.add(qualified(item) + "::" + member.name)


def _refuse(source):
    for token in source.tokens:
        if token.kind == IDENTIFIER and token.text in FOREIGN:
            raise NotSplit(f"the word {token.text}")
    for name, body in source.macros.items():
        for token in body:
            if token.text in FOREIGN or token.text in ("__global__", "__shared__", "__constant__"):
                raise NotSplit(f"the macro {name} with {token.text}")
    for item in source.items:
        if item.kind != DIRECTIVE:
            continue
        words = tokenize(source.tokens[item.first].text, source.tokens[item.first].text.index("#") + 1, directives=False)
        name = words[0].text if words else ""
        if name in ("undef", "pragma") and len(words) > 1 and words[1].text not in ("once", "unroll", "nv_diag_suppress"):
            raise NotSplit(f"#{name} {words[1].text}")
    for token in source.tokens:
        if token.kind == PREPROCESSOR:
            _check_condition(token.text, source)


def _check_condition(text, source):
    """A condition must read the same for both compilers."""
    words = tokenize(text, text.index("#") + 1, directives=False)
    if not words or words[0].text not in ("if", "ifdef", "ifndef", "elif"):
        return
    for word in words[1:]:
        if word.kind == IDENTIFIER and word.text not in CONDITION_WORDS and word.text not in source.macros:
            raise NotSplit(f"a condition on {word.text}")
