# SPDX-License-Identifier: Apache-2.0
"""The unit that g++ compiles: kernels are stubs that launch, what only a device runs is declared."""

from assay_runner.split_source import CLASS, FUNCTION, VARIABLE, Text, qualified
from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, Edits, NotSplit, tokenize

HIDDEN = '__attribute__((visibility("hidden"))) '
LAUNCH = "::assay_split::configure"


class HostUnit:
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
                self._source.drop_static(item, self._edits)
                self._hide(item)
                if item.body:
                    self._stub(item)
            elif item.kind == FUNCTION and item.device_only and item.body:
                self._remove(item.body_begin, item.last, ";")
            elif item.kind == VARIABLE and qualified(item) in self._units.variables:
                self._source.drop_static(item, self._edits)
                self._hide(item)

    def _hide(self, item):
        """Extensions of one process must not find each other's kernels and variables by name."""
        start = self._source.tokens[item.head].start
        self._edits.replace(start, start, HIDDEN)

    def _remove(self, first, last, replacement):
        start, end = self._source.tokens[first].start, self._source.tokens[last].end
        lines = self._source.text.count("\n", start, end)
        self._edits.replace(start, end, replacement + "\n" * lines)
        self._removed.append((start, end))

    def _stub(self, item):
        source = self._source
        parameters = _parameters(source, item)
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
        self.names, self.packs, self.types = [], [], []


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
