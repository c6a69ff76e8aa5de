# SPDX-License-Identifier: Apache-2.0
"""A CUDA source as two units: what g++ compiles, in which every kernel is a stub that launches, and what NVRTC compiles,
which holds the kernels and what they are made of.
"""

from assay_runner.split_source import (ALIAS, CLASS, DIRECTIVE, FUNCTION, INSTANTIATION, MACRO, USING_NAMESPACE, VARIABLE,
                                       Source, Text)  # fmt: skip
from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, Edits, NotSplit, tokenize

# Of includes, by how their names begin. A header on neither list is NotSplit.
HOST_HEADERS = ("torch/", "ATen/", "c10/", "pybind11/", "cuda.h", "cuda_runtime", "device_launch_parameters.h",
                "driver_types.h", "vector_types.h", "cublas", "cudnn", "cusparse", "cusolver", "cufft", "curand.h",
                "nvtx3/")  # fmt: skip
STANDARD_HEADERS = frozenset((
    "algorithm array atomic cassert cerrno cfloat chrono cinttypes climits cmath cstddef cstdint cstdio cstdlib cstring ctime "
    "exception functional initializer_list iomanip iostream iterator limits list map memory mutex numeric optional random set "
    "sstream stdexcept string string_view thread tuple type_traits unordered_map unordered_set utility vector stdio.h stdlib.h "
    "stdint.h string.h math.h float.h limits.h assert.h stddef.h stdbool.h time.h bit deque queue stack complex").split())  # fmt: skip
DEVICE_HEADERS = ("cuda_fp16.h", "cuda_fp16.hpp", "cuda_bf16.h", "cuda_fp8.h", "mma.h", "cooperative_groups.h",
                  "cooperative_groups/", "math_constants.h", "cuda_pipeline.h", "cuda_pipeline_primitives.h",
                  "cuda_awbarrier.h", "sm_", "cub/", "vector_functions.h", "curand_kernel.h")  # fmt: skip
# What g++ has of the device's headers; the others it need not see while no host code names what is in them.
ON_THE_HOST_TOO = ("cuda_fp16.h", "cuda_bf16.h", "cuda_fp8.h", "math_constants.h", "vector_functions.h")
DEVICE_NAMESPACES = ("cub", "nvcuda", "cooperative_groups", "thrust")
# Headers that stock's g++ sees through a header of CUDA where NVRTC has CUB's own parts.
CUB_PARTS = {
    "BlockReduce": "block/block_reduce.cuh", "BlockScan": "block/block_scan.cuh", "BlockLoad": "block/block_load.cuh",
    "BlockStore": "block/block_store.cuh", "BlockRadixSort": "block/block_radix_sort.cuh",
    "BlockHistogram": "block/block_histogram.cuh", "BlockExchange": "block/block_exchange.cuh",
    "BlockDiscontinuity": "block/block_discontinuity.cuh", "BlockMergeSort": "block/block_merge_sort.cuh",
    "BlockShuffle": "block/block_shuffle.cuh", "WarpReduce": "warp/warp_reduce.cuh", "WarpScan": "warp/warp_scan.cuh",
    "WarpMergeSort": "warp/warp_merge_sort.cuh", "WarpExchange": "warp/warp_exchange.cuh",
    "WarpLoad": "warp/warp_load.cuh", "WarpStore": "warp/warp_store.cuh", "Sum": "thread/thread_operators.cuh",
    "Max": "thread/thread_operators.cuh", "Min": "thread/thread_operators.cuh",
}  # fmt: skip
# Words whose meaning here would not be nvcc's.
FOREIGN = frozenset((
    "__CUDACC__", "__NVCC__", "__CUDACC_RTC__", "__managed__", "texture", "surface", "__cudaPushCallConfiguration", "asm_volatile_goto",
    "TORCH_LIBRARY", "TORCH_LIBRARY_FRAGMENT", "TORCH_LIBRARY_IMPL", "__nv_is_extended_device_lambda_closure_type",
    "cudaGetDriverEntryPoint", "nvstd", "__COUNTER__", "CUDA_KERNEL_LOOP"))  # fmt: skip
CONDITION_WORDS = frozenset((
    "defined", "__CUDA_ARCH__", "USE_ROCM", "__HIP_PLATFORM_AMD__", "__HIP_PLATFORM_HCC__", "__HIPCC__", "__HIP__",
    "CUDA_VERSION", "CUDART_VERSION", "__cplusplus", "TORCH_HIP_VERSION", "true", "false"))  # fmt: skip
# Of std in device code: what libcu++ has with the same meaning, bit for bit.
STANDARD_NAMES = frozenset((
    "numeric_limits min max is_same is_same_v is_floating_point is_floating_point_v is_integral is_integral_v enable_if "
    "enable_if_t conditional conditional_t integral_constant true_type false_type bool_constant decay decay_t remove_cv_t "
    "remove_reference_t remove_const_t size_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t "
    "forward move declval index_sequence make_index_sequence integer_sequence is_signed is_unsigned uintptr_t").split())  # fmt: skip
LAUNCH = "::assay_split::configure"


class Units:
    """host, device: texts. kernels: {qualified name: has a template}; variables: of the device, {qualified name: is
    constant}; device_functions: names that host code has no definition of; plain: kernels without templates.
    """

    def __init__(self, text, unnamed):
        source = Source(text, unnamed)
        self._source = source
        _refuse(source)
        self.kernels, self.variables, self.device_functions = {}, {}, set()
        self.directives = _Headers(source)
        _note(source.items, self)
        self.host = _Host(source, self).text()
        self.device = _Device(source, self).text() if self.kernels else ""
        self.has_bindings = any(item.kind == MACRO and item.name == "PYBIND11_MODULE" for item in source.items)


def qualified(item, name=None):
    return "::".join([part.name for part in item.path if part.name] + [name or item.name])


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


class _Headers:
    """What becomes of every #include: {token index: (text for g++, text for NVRTC)}."""

    def __init__(self, source):
        self.of = {}
        words = {t.text for t in source.tokens if t.kind == IDENTIFIER}
        for index, token in enumerate(source.tokens):
            if token.kind != PREPROCESSOR:
                continue
            name = _included(token.text)
            if name is not None:
                self.of[index] = self._sides(name, token.text, words)

    def _sides(self, name, text, words):
        if name.startswith("pybind11/") and name not in ("pybind11/pybind11.h", "pybind11/stl.h"):
            raise NotSplit(f"the header {name}")
        if name in ("torch/extension.h", "torch/types.h", "torch/all.h", "torch/torch.h", "ATen/ATen.h", "pybind11/pybind11.h",
                    "pybind11/stl.h", "torch/csrc/utils/pybind.h", "torch/python.h"):  # fmt: skip
            return "", ""  # the prefix has them
        if name.startswith(HOST_HEADERS):
            return text, ""
        if name in STANDARD_HEADERS:
            return text, ""
        if name.startswith(DEVICE_HEADERS):
            host = text if name in ON_THE_HOST_TOO else ""
            if name.startswith("cub/"):
                parts = sorted({part for word, part in CUB_PARTS.items() if word in words})
                return host, "".join(f"#include <cub/{part}>\n" for part in parts)
            return host, text
        raise NotSplit(f"the header {name}")


def _included(text):
    words = text[text.index("#") + 1 :].split(None, 1)
    if not words or not words[0].startswith("include"):
        return None
    rest = text[text.index("include") + len("include") :].strip()
    closing = {"<": ">", '"': '"'}.get(rest[:1])
    if closing is None or rest.find(closing, 1) < 0:
        raise NotSplit("an #include of a macro")
    return rest[1 : rest.find(closing, 1)]


class _Host:
    def __init__(self, source, units):
        self._source, self._units, self._edits = source, units, Edits(source.text)
        self._removed = []  # (start, end) of bodies that g++ does not see

    def text(self):
        source = self._source
        for index, (host, _) in self._units.directives.of.items():
            token = source.tokens[index]
            self._edits.replace(token.start, token.end, host)
        for start, end, opening in source.unnamed:
            self._edits.replace(start, end, opening)
        self._items(source.items)
        self._launches()
        return self._edits.applied()

    def _items(self, items):
        for item in items:
            if item.kind == CLASS:
                self._items(item.members)
            elif item.kind == FUNCTION and item.is_kernel:
                self._drop(item, "static")
                if item.body:
                    self._stub(item)
            elif item.kind == FUNCTION and item.device_only and item.body:
                self._remove(item.body_begin, item.last, ";")
            elif item.kind == VARIABLE and qualified(item) in self._units.variables:
                self._drop(item, "static")

    def _drop(self, item, word):
        for token in self._source.tokens[item.first : item.last]:
            if token.text == word:
                self._edits.replace(token.start, token.end, "")
            if token.text in ("(", "{", "="):
                break

    def _remove(self, first, last, replacement):
        start, end = self._source.tokens[first].start, self._source.tokens[last].end
        lines = self._source.text.count("\n", start, end)
        self._edits.replace(start, end, replacement + "\n" * lines)
        self._removed.append((start, end))

    def _stub(self, item):
        source = self._source
        parameters = _parameters(source, item)
        for at, name in parameters.unnamed:
            self._edits.replace(at, at, " " + name)
        types = ", ".join(parameters.types)
        addresses = ", ".join(
            f"assay_split::address({name}){'...' if pack else ''}" for name, pack in zip(parameters.names, parameters.packs)
        )
        me = source.text_of(*item.name_at)
        if item.template is not None and "<" not in me and item.template[1] > item.template[0] + 1:
            me += f"<{', '.join(_template_arguments(source, item.template))}>"
        self._remove(
            item.body[0], item.last,
            f"{{ void* assay_split_arguments[] = {{{addresses + ', ' if addresses else ''}nullptr}}; "
            f"assay_split::launch((const void*)static_cast<void (*)({types})>(&{me}), assay_split_arguments); }}",
        )  # fmt: skip

    def _launches(self):
        source = self._source
        hidden = sorted(self._removed)
        for index, token in enumerate(source.tokens):
            if token.kind == PREPROCESSOR:
                if "<<<" in token.text:
                    self._edits.replace(token.start, token.end, _launching_macro(token.text))
            elif token.text == "<<<" and not any(start <= token.start < end for start, end in hidden):
                rewrite_launch(source, index, self._edits)


def _launching_macro(text):
    body = Text(text, tokenize(text, text.index("#") + 1, directives=False))
    edits = Edits(text)
    for index, token in enumerate(body.tokens):
        if token.text == "<<<":
            rewrite_launch(body, index, edits)
    return edits.applied()


def rewrite_launch(text, index, edits):
    """kernel<<<configuration>>>(arguments) -> (configure(configuration) ? (void)0 : kernel(arguments))"""
    tokens = text.tokens
    first = _callee(text, index - 1)
    at = index + 1
    while True:
        if at >= len(tokens) or tokens[at].text in (";", "}", ")"):
            raise NotSplit("a launch without '>>>'")
        if tokens[at].text in ("(", "[", "{"):
            at = text.match[at] + 1
            continue
        together = all(text.is_text(at + k, ">") and tokens[at + k].start == tokens[at].start + k for k in (0, 1, 2))
        if together and text.is_text(at + 3, "("):
            break
        at += 1
    configuration = text.text[tokens[index].end : tokens[at].start]
    if "<<<" in configuration:
        raise NotSplit("a launch within a launch")
    lines = text.text.count("\n", tokens[index].start, tokens[at + 2].end)
    if "//" in configuration or "#" in configuration:
        configuration += "\n"
    else:
        configuration = configuration.replace("\\\n", " ").replace("\n", " ")
    follows = "\n" * lines if text.text[:1] != "#" else " "
    edits.replace(tokens[first].start, tokens[first].start, f"({LAUNCH}({configuration}) ? (void)0 : ")
    edits.replace(tokens[index].start, tokens[at + 2].end, follows)
    closing = text.match[at + 3]
    edits.replace(tokens[closing].end, tokens[closing].end, ")")


def _callee(source, at):
    """Where the expression that ends at the token begins: names, template arguments, members, parentheses."""
    tokens = source.tokens
    while True:
        if source.is_text(at, ">"):
            depth = 0
            while at >= 0:
                text = tokens[at].text
                if text in (")", "]", "}"):
                    at = source.match[at]
                elif text == ">":
                    depth += 1
                elif text == "<":
                    depth -= 1
                    if depth == 0:
                        break
                elif text in (";", "{"):
                    raise NotSplit("a launch of no kernel")
                at -= 1
            at -= 1
        elif source.is_text(at, ")", "]"):
            at = source.match[at]
            if source.is_text(at, "(") and tokens[at - 1].kind != IDENTIFIER:
                return at
            at -= 1
        if at < 0 or tokens[at].kind != IDENTIFIER:
            raise NotSplit("a launch of no kernel")
        while source.is_text(at - 1, "template"):
            at -= 1
        if not source.is_text(at - 1, "::", ".", "->"):
            return at
        qualified_name = at >= 2 and tokens[at - 2].text != "return" and (
            tokens[at - 2].kind == IDENTIFIER or tokens[at - 2].text in (">", ")", "]"))  # fmt: skip
        if tokens[at - 1].text == "::" and not qualified_name:
            return at - 1
        at -= 2


class _Parameters:
    def __init__(self):
        self.names, self.packs, self.types, self.unnamed = [], [], [], []


def _parameters(source, item):
    """Names of a kernel's parameters, and their declarations without default values."""
    found = _Parameters()
    opening, closing = item.parameters
    for first, last in _list(source, opening, closing):
        tokens = source.tokens[first : last + 1]
        if any(token.kind == PREPROCESSOR for token in tokens):
            raise NotSplit("a directive among a kernel's parameters")
        if [token.text for token in tokens] == ["void"]:
            continue
        end, at, name_at = last, first, None
        while at <= last:
            text = source.tokens[at].text
            if text == "=":
                end = at - 1
                break
            if text == "(":
                raise NotSplit("a kernel's parameter with parentheses")
            if text == "[":
                at = source.match[at]
            elif text == "<":
                at = source.angles(at, last + 1)
            elif source.tokens[at].kind == IDENTIFIER:
                name_at = at
            at += 1
        before = source.tokens[name_at - 1] if name_at and name_at > first else None
        named = name_at is not None and before is not None and before.text != "::" and (
            name_at == end or source.is_text(name_at + 1, "[")) and source.tokens[name_at].text not in _TYPE_WORDS and (
            before.text in ("*", "&", ">", "...", "const", "__restrict__", "__restrict") or before.kind == IDENTIFIER
        ) and not (before.text in ("const", "unsigned", "typename", "struct", "volatile", "__grid_constant__") and name_at - 1 == first)  # fmt: skip
        pack = any(token.text == "..." for token in tokens)
        if named:
            name, declared = source.tokens[name_at].text, source.text_of(first, end)
        else:
            raise NotSplit("a kernel's parameter without a name")
        found.names.append(name)
        found.packs.append(pack)
        found.types.append(declared)
    return found


_TYPE_WORDS = frozenset("int float double char bool short long unsigned signed void auto const volatile".split())


def _list(source, opening, closing):
    """(first, last) of the parts between commas."""
    first = at = opening + 1
    while at < closing:
        text = source.tokens[at].text
        if text in ("(", "[", "{"):
            at = source.match[at]
        elif text == "<" and source.tokens[at - 1].kind == IDENTIFIER:
            at = source.angles(at, closing)
        elif text == ",":
            yield first, at - 1
            first = at + 1
        at += 1
    if first < closing:
        yield first, closing - 1


def _template_arguments(source, template):
    for first, last in _list(source, *template):
        at = first
        name, pack, assigned = None, False, False
        while at <= last:
            text = source.tokens[at].text
            if text == "=":
                break
            if text in ("(", "["):
                at = source.match[at]
            elif text == "<":
                at = source.angles(at, last + 1)
            elif text == "...":
                pack = True
            elif source.tokens[at].kind == IDENTIFIER:
                name = text if at > first else None
            at += 1
        if name is None or name in _TYPE_WORDS or source.tokens[at - 1].text in ("*", "&"):
            raise NotSplit("a kernel's template parameter without a name")
        yield name + ("..." if pack else "")


class _Device:
    def __init__(self, source, units):
        self._source, self._units, self._edits = source, units, Edits(source.text)

    def text(self):
        source = self._source
        wanted = self._wanted()
        pieces = []
        for item in source.items:
            if item.kind == DIRECTIVE:
                sides = self._units.directives.of.get(item.first)
                pieces.append((sides[1] if sides else source.tokens[item.first].text) + "\n")
            elif item.kind == USING_NAMESPACE:
                if item.name.split("::")[0] in DEVICE_NAMESPACES or item.name in self._namespaces():
                    pieces.append(self._placed(item))
            elif id(item) in wanted:
                pieces.append(self._placed(item))
        return "".join(pieces)

    def _namespaces(self):
        return {part.name for item in self._source.items for part in item.path}

    def _placed(self, item):
        self._annotate(item, None)
        text = self._edits.applied(self._source.tokens[item.first].start, self._source.tokens[item.last].end)
        openings = " ".join(part.opening for part in item.path)
        return f"{openings}\n{text}\n{'}' * len(item.path)}\n"

    def _annotate(self, item, parent):
        tokens = self._source.tokens
        if item.kind == FUNCTION:
            told = item.specifiers & {"__host__", "__device__", "__global__"}
            if item.is_kernel:
                self._without_static(item)
            elif not told and "constexpr" in item.specifiers:
                self._edits.replace(tokens[item.head].start, tokens[item.head].start, "__host__ __device__ ")
            elif parent is not None and told <= {"__host__"} and not any(t.text == "=" for t in tokens[item.parameters[1] : item.last]):
                begin = tokens[item.body_begin or item.last].start  # NVRTC knows no function of the host
                self._edits.replace(begin, tokens[item.last].end, "= delete;")
        elif item.kind == VARIABLE and qualified(item) in self._units.variables:
            self._without_static(item)
        elif item.kind == CLASS:
            for member in item.members:
                self._annotate(member, item)

    def _without_static(self, item):
        for token in self._source.tokens[item.first : item.last]:
            if token.text == "static":
                self._edits.replace(token.start, token.end, "")
            if token.text in ("(", "{", "="):
                break

    def _wanted(self):
        """ids of the items that kernels are made of, by the names that they use."""
        source, by_name = self._source, {}
        for item in source.items:
            for name in item.names:
                by_name.setdefault(name, []).append(item)
        wanted, work, words_seen = set(), [], set()

        def add(item):
            if id(item) not in wanted and self._may_run(item):
                wanted.add(id(item))
                work.append(item)

        for item in source.items:
            roots = item.is_kernel or (item.specifiers & {"__device__", "__constant__"} and item.name == "operator")
            if roots or (item.kind == VARIABLE and qualified(item) in self._units.variables):
                add(item)
        while work:
            item = work.pop()
            words = []
            for token in source.tokens[item.first : item.last + 1]:
                if token.kind == IDENTIFIER:
                    words.append(token.text)
                elif token.text == "<<<":
                    raise NotSplit("a kernel that launches")
            self._demand_standard(item)
            while words:
                word = words.pop()
                if word in words_seen:
                    continue
                words_seen.add(word)
                words += [t.text for t in source.macros.get(word, ()) if t.kind == IDENTIFIER]
                for other in by_name.get(word, ()):
                    add(other)
        return wanted

    def _may_run(self, item):
        """Host code must not be found where stock would not find it."""
        if item.kind == FUNCTION:
            return bool(item.specifiers & {"__global__", "__device__", "constexpr"})
        if item.kind == ALIAS:
            words = [t.text for t in self._source.tokens[item.first : item.last]]
            return "=" in words or "typedef" in words or words[1:2] != ["std"]
        if item.kind == INSTANTIATION:
            return "__global__" in item.names
        return item.kind in (CLASS, VARIABLE)

    def _demand_standard(self, item):
        tokens = self._source.tokens
        for at in range(item.first, item.last - 1):
            if tokens[at].text == "std" and tokens[at + 1].text == "::" and tokens[at + 2].text not in STANDARD_NAMES:
                raise NotSplit(f"std::{tokens[at + 2].text} in device code")

