# SPDX-License-Identifier: Apache-2.0
"""What a CUDA source declares at namespace scope, and inside its classes: enough of C++'s grammar to tell functions,
classes, variables and macros apart and to know what runs where. What it cannot read is NotSplit.
"""

from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, STRING, NotSplit, matches, tokenize

FUNCTION, CLASS, VARIABLE, ALIAS, USING_NAMESPACE, MACRO, DIRECTIVE, INSTANTIATION, OTHER = (
    "function", "class", "variable", "alias", "using namespace", "macro", "directive", "instantiation", "other")  # fmt: skip
SPECIFIERS = frozenset((
    "__global__", "__device__", "__host__", "__constant__", "__shared__", "__managed__", "constexpr", "consteval",
    "static", "inline", "extern", "friend", "typedef", "const", "__forceinline__", "__inline__", "thread_local"))  # fmt: skip
KNOWN_MACROS = {
    "C10_HOST_DEVICE": {"__host__", "__device__"}, "C10_DEVICE": {"__device__"}, "C10_HOST": {"__host__"},
    "GPU_LAMBDA": {"__device__"}, "__host_device__": {"__host__", "__device__"},
}  # fmt: skip
WITH_PARENTHESES = frozenset((
    "__launch_bounds__", "__cluster_dims__", "__attribute__", "__align__", "alignas", "decltype", "noexcept",
    "explicit", "__declspec", "__maxnreg__", "C10_LAUNCH_BOUNDS_1", "C10_LAUNCH_BOUNDS_2", "__block_size__"))  # fmt: skip
CLASS_KEYS = ("struct", "class", "union", "enum")


class Item:
    """A declaration. Token indices: first..last (inclusive), `head` is where it begins behind template<…>.

    specifiers  those of SPECIFIERS that stand before its name, through macros too
    parameters, body  (opening, closing) or None; `body_begin` is where a body or its initialisers begin
    path        of namespaces around it; members of a class are in `members`
    names       what it declares
    """

    def __init__(self, kind, first, last, path):
        self.kind, self.first, self.last, self.path = kind, first, last, path
        self.head = first
        self.name, self.names = "", set()
        self.name_at = None  # (first, last) of the name with its template arguments
        self.specifiers = set()
        self.template = None  # (opening, closing) of the last template<…>
        self.parameters = self.body = self.body_begin = None
        self.members = []

    @property
    def is_kernel(self):
        return "__global__" in self.specifiers

    @property
    def device_only(self):
        return "__device__" in self.specifiers and "__host__" not in self.specifiers


class Namespace:
    def __init__(self, name, opening):
        self.name, self.opening = name, opening  # opening: as to be written; name "" where there is none


class Text:
    """Tokens and the partners of their brackets; of a source or of a macro's body."""

    def __init__(self, text, tokens):
        self.text, self.tokens = text, tokens
        self.match = matches(tokens)

    def text_of(self, first, last):
        return self.text[self.tokens[first].start : self.tokens[last].end]

    def is_text(self, index, *texts):
        return 0 <= index < len(self.tokens) and self.tokens[index].text in texts

    def angles(self, index, end):
        """The index of the '>' that closes the '<' at index, or NotSplit."""
        depth, at = 0, index
        while at < end:
            text = self.tokens[at].text
            if text in ("(", "[", "{"):
                at = self.match[at]
            elif text == "<":
                depth += 1
            elif text == ">":
                depth -= 1
                if depth == 0:
                    return at
            elif text in (";", "<<<"):
                break
            at += 1
        raise NotSplit("a '<' that is closed by no '>'")


class Source(Text):
    """tokens, match (of brackets), items in their order, macros {name: tokens of the body}, unnamed [(start, end)]."""

    def __init__(self, text, unnamed="assay_unnamed"):
        super().__init__(text, tokenize(text))
        self.items, self.macros, self.unnamed = [], {}, []
        self.function_macros = set()
        self._unnamed_name = unnamed
        for token in self.tokens:
            if token.kind == PREPROCESSOR:
                self._note_macro(token)
        self._scope(0, len(self.tokens), (), self.items, None)

    def drop_static(self, item, edits):
        """For an item that both units must know by one name of external linkage."""
        for token in self.tokens[item.first : item.last]:
            if token.text == "static":
                edits.replace(token.start, token.end, "")
            if token.text in ("(", "{", "="):
                break

    def _note_macro(self, token):
        words = tokenize(token.text, token.text.index("#") + 1, directives=False)
        if len(words) < 2 or words[0].text != "define":
            return
        name, body = words[1], words[2:]
        if body and body[0].text == "(" and body[0].start == name.end:
            self.function_macros.add(name.text)
            closing = next((i for i, word in enumerate(body) if word.text == ")"), len(body))
            body = body[closing + 1 :]
        self.macros.setdefault(name.text, []).extend(body)

    def _scope(self, at, end, path, items, class_name):
        while at < end:
            token = self.tokens[at]
            if token.kind == PREPROCESSOR:
                items.append(Item(DIRECTIVE, at, at, path))
                at += 1
            elif token.text == ";":
                at += 1
            elif class_name is not None and token.text in ("public", "private", "protected") and self.is_text(at + 1, ":"):
                at += 2
            elif token.text == "namespace" or (token.text == "inline" and self.is_text(at + 1, "namespace")):
                at = self._namespace(at, path, items)
            elif token.text == "extern" and self.tokens[at + 1 : at + 2] and self.tokens[at + 1].kind == STRING:
                if self.is_text(at + 2, "{"):
                    self._scope(at + 3, self.match[at + 2], (*path, Namespace("", 'extern "C" {')), items, class_name)
                    at = self.match[at + 2] + 1
                else:
                    at = self._declaration(at, end, path, items, class_name, at + 2)
            else:
                at = self._declaration(at, end, path, items, class_name, at)

    def _namespace(self, at, path, items):
        first = at
        at += 2 if self.tokens[at].text == "inline" else 1
        begin = at
        while at < len(self.tokens) and not self.is_text(at, "{", "=", ";"):
            at += 1
        if at >= len(self.tokens) or self.is_text(at, ";"):
            raise NotSplit("a namespace that does not begin")
        if self.is_text(at, "="):
            while not self.is_text(at, ";"):
                at += 1
                if at >= len(self.tokens):
                    raise NotSplit("a namespace alias without an end")
            item = Item(ALIAS, first, at, path)
            item.name = self.tokens[begin].text
            item.names = {item.name}
            items.append(item)
            return at + 1
        if at == begin:
            name = self._unnamed_name
            opening = f"inline namespace {name} {{"
            self.unnamed.append((self.tokens[first].start, self.tokens[at].end, opening))
        else:
            name = self.text_of(begin, at - 1)
            opening = self.text_of(first, at)
        inner = (*path, Namespace(name, opening))
        self._scope(at + 1, self.match[at], inner, items, None)
        return self.match[at] + 1

    def _declaration(self, first, end, path, items, class_name, at):
        item = Item(OTHER, first, first, path)
        text = self.tokens[at].text
        if text == "using":
            return self._using(item, at, end, items)
        if text == "static_assert":
            return self._until_semicolon(item, at, end, items)
        while self.is_text(at, "template"):
            if not self.is_text(at + 1, "<"):
                item.kind = INSTANTIATION
                self._until_semicolon(item, at, end, [])
                item.names = {t.text for t in self.tokens[item.first : item.last] if t.kind == IDENTIFIER}
                items.append(item)
                return item.last + 1
            closing = self.angles(at + 1, end)
            item.template = (at + 1, closing)
            at = closing + 1
            if self.is_text(at, "requires"):
                raise NotSplit("a requires clause")
        item.head = at
        if self.is_text(at, "using"):
            return self._using(item, at, end, items)
        return self._declarators(item, at, end, items, class_name)

    def _using(self, item, at, end, items):
        self._until_semicolon(item, at, end, [])
        words = [token.text for token in self.tokens[at + 1 : item.last]]
        if words[:1] == ["namespace"]:
            item.kind, item.name = USING_NAMESPACE, "".join(words[1:])
        else:
            item.kind = ALIAS
            item.name = words[0] if "=" in words else words[-1]
            item.names = {item.name}
        items.append(item)
        return item.last + 1

    def _until_semicolon(self, item, at, end, items):
        while at < end and not self.is_text(at, ";"):
            at = self.match.get(at, at) + 1 if self.is_text(at, "(", "[", "{") else at + 1
        if at >= end:
            raise NotSplit("a declaration without an end")
        item.last = at
        items.append(item)
        return at + 1

    def _declarators(self, item, begin, end, items, class_name):
        at, key_at, assigned = begin, None, False
        while True:
            if at >= end:
                raise NotSplit("a declaration without an end")
            token = self.tokens[at]
            text = token.text
            if token.kind == PREPROCESSOR:
                raise NotSplit("a directive inside the head of a declaration")
            if text == ";":
                item.last = at
                break
            if text == "operator" and item.parameters is None:
                at = self._operator(item, at)
                continue
            if text in CLASS_KEYS and key_at is None and item.parameters is None and not assigned:
                key_at = at
            if token.kind == IDENTIFIER and item.parameters is None and not assigned:
                self._note_specifier(item, text)
            if text == "(":
                closing = self.match[at]
                if item.parameters is None and not assigned and self._is_parameters(at, begin):
                    item.parameters = (at, closing)
                    if item.name_at is None:
                        self._name(item, at)
                    if at == begin + 1 and class_name is None:  # nothing stands before the name: a macro
                        item.kind = MACRO
                        if not self.is_text(closing + 1, "{", ";"):
                            item.last = closing
                            break
                at = closing + 1
            elif text == "[":
                at = self.match[at] + 1
            elif text == "<" and not assigned and at > begin and self.tokens[at - 1].kind == IDENTIFIER:
                at = self.angles(at, end) + 1
            elif text == "=":
                assigned = True
                at += 1
            elif text == ":" and item.parameters is not None and not assigned:
                item.body_begin = at
                at = self._initialisers(at, end)
            elif text == "{":
                closing = self.match[at]
                if key_at is not None and item.parameters is None and not assigned and item.body is None:
                    self._class(item, key_at, at, path=item.path)
                    at = closing + 1
                elif item.parameters is not None and not assigned:
                    item.body, item.last = (at, closing), closing
                    item.body_begin = item.body_begin or at
                    break
                else:
                    at = closing + 1
            elif text == "try":
                raise NotSplit("a function try block")
            else:
                at += 1
        self._classify(item, key_at, assigned)
        items.append(item)
        return item.last + 1

    def _classify(self, item, key_at, assigned):
        if item.kind == MACRO:
            return
        if item.kind == CLASS:
            if "typedef" in item.specifiers:
                item.names.add(self.tokens[item.last - 1].text)
            return
        if "typedef" in item.specifiers:
            item.kind = ALIAS
            names = [t.text for t in self.tokens[item.head : item.last] if t.kind == IDENTIFIER]
            item.names = set(names[-1:])
            item.name = names[-1] if names else ""
            if item.parameters:
                item.names = set(names)
        elif item.parameters is not None:
            item.kind = FUNCTION
            item.names = {item.name}
        elif key_at is not None and not assigned and item.last - key_at <= 2:
            item.kind = CLASS  # declared only
            item.names = {self.tokens[item.last - 1].text}
        else:
            item.kind = VARIABLE
            depth = [t for t in self._outer(item.head, item.last)]
            item.names = {t.text for t in depth if t.kind == IDENTIFIER and t.text not in SPECIFIERS}
            before = []
            for token in depth:
                if token.text in ("=", "[", "{", ";"):
                    break
                before.append(token)
            item.name = before[-1].text if before else ""

    def _outer(self, first, last):
        at = first
        while at <= last:
            yield self.tokens[at]
            at = self.match[at] + 1 if self.is_text(at, "(", "[", "{") else at + 1

    def _class(self, item, key_at, opening, path):
        item.kind, item.body = CLASS, (opening, self.match[opening])
        at, name = key_at + 1, ""
        while at < opening and not self.is_text(at, ":"):
            token = self.tokens[at]
            if token.text in ("(", "["):
                at = self.match[at]
            elif token.text == "<":
                at = self.angles(at, opening)
            elif token.kind == IDENTIFIER and token.text not in WITH_PARENTHESES and token.text not in ("final", "class", "struct"):
                name = token.text
            at += 1
        item.name = name
        item.names = {name} if name else set()
        if self.tokens[key_at].text == "enum":
            item.names |= {t.text for t in self.tokens[opening : item.body[1]] if t.kind == IDENTIFIER}
        else:
            self._scope(opening + 1, item.body[1], path, item.members, name)

    def _note_specifier(self, item, word, depth=0):
        if word in SPECIFIERS:
            item.specifiers.add(word)
        elif word in self.macros and depth < 8:
            for token in self.macros[word]:
                if token.kind == IDENTIFIER:
                    self._note_specifier(item, token.text, depth + 1)
        else:
            item.specifiers |= KNOWN_MACROS.get(word, set())

    def _is_parameters(self, at, begin):
        if at == begin or self.is_text(at + 1, "*", "&"):
            return False
        before = self.tokens[at - 1]
        return (before.kind == IDENTIFIER and before.text not in WITH_PARENTHESES) or before.text in (">", "]", ")")

    def _name(self, item, at):
        last = at - 1
        first = last
        if self.is_text(last, ">"):  # k<float>
            depth = 0
            while first >= item.head:
                if self.is_text(first, ">"):
                    depth += 1
                elif self.is_text(first, "<"):
                    depth -= 1
                    if depth == 0:
                        break
                first -= 1
            first -= 1
        item.name = self.tokens[first].text
        item.name_at = (first, last)

    def _operator(self, item, at):
        begin = at
        at += 1
        if self.is_text(at, "("):
            at = self.match[at] + 1
        while at < len(self.tokens) and not self.is_text(at, "("):
            at += 1
        if at >= len(self.tokens):
            raise NotSplit("an operator without parameters")
        item.name, item.name_at = "operator", (begin, at - 1)
        item.parameters = (at, self.match[at])
        return self.match[at] + 1

    def _initialisers(self, at, end):
        """Behind the ':' of a constructor, to its body."""
        at += 1
        while at < end:
            while at < end and not self.is_text(at, "(", "{"):
                at = self.angles(at, end) + 1 if self.is_text(at, "<") else at + 1
            if at >= end:
                break
            at = self.match[at] + 1
            if self.is_text(at, "..."):
                at += 1
            if not self.is_text(at, ","):
                return at
            at += 1
        raise NotSplit("a constructor without a body")


def qualified(item, name=None):
    return "::".join([part.name for part in item.path if part.name] + [name or item.name])
