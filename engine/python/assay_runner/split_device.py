# SPDX-License-Identifier: Apache-2.0
"""The unit that NVRTC compiles: kernels, variables of the device and, by name, what they are made of."""

from assay_runner.split_headers import DEVICE_NAMESPACES
from assay_runner.split_source import ALIAS, CLASS, DIRECTIVE, FUNCTION, INSTANTIATION, USING_NAMESPACE, VARIABLE, qualified
from assay_runner.split_tokens import IDENTIFIER, Edits, NotSplit

# Of std in device code: what libcu++ has with the same meaning, bit for bit.
STANDARD_NAMES = frozenset((
    "numeric_limits min max is_same is_same_v is_floating_point is_floating_point_v is_integral is_integral_v enable_if "
    "enable_if_t conditional conditional_t integral_constant true_type false_type bool_constant decay decay_t remove_cv_t "
    "remove_reference_t remove_const_t size_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t "
    "forward move declval index_sequence make_index_sequence integer_sequence is_signed is_unsigned uintptr_t").split())  # fmt: skip


class DeviceUnit:
    def __init__(self, source, units):
        self._source, self._units, self._edits = source, units, Edits(source.text)

    def text(self, words=()):
        """words: identifiers that instantiations need besides what the kernels' own text names."""
        source = self._source
        wanted = self._wanted(words)
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
                self._source.drop_static(item, self._edits)
            elif not told and "constexpr" in item.specifiers:
                self._edits.replace(tokens[item.head].start, tokens[item.head].start, "__host__ __device__ ")
            elif parent is not None and told <= {"__host__"} and not any(t.text == "=" for t in tokens[item.parameters[1] : item.last]):
                begin = tokens[item.body_begin or item.last].start  # NVRTC knows no function of the host
                self._edits.replace(begin, tokens[item.last].end, "= delete;")
        elif item.kind == VARIABLE and qualified(item) in self._units.variables:
            self._source.drop_static(item, self._edits)
        elif item.kind == CLASS:
            for member in item.members:
                self._annotate(member, item)

    def _wanted(self, named):
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
        for word in named:
            for item in by_name.get(word, ()):
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
