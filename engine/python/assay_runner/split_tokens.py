# SPDX-License-Identifier: Apache-2.0
"""C++ and CUDA text as tokens with their places, so that a source can be edited without being printed anew."""

import re

PREPROCESSOR = "preprocessor"
IDENTIFIER = "identifier"
NUMBER = "number"
STRING = "string"
PUNCTUATION = "punctuation"
MAX_TOKENS = 400_000

_PARTNERS = {"(": ")", "[": "]", "{": "}"}
# ">" always stands alone: whether ">>" shifts or closes two lists only the grammar knows. "<<<" is CUDA's own.
_LEXER = re.compile(
    r"""(?P<space>\s+|//(?:[^\n\\]|\\.|\\\n)*|/\*.*?\*/|\\\r?\n)
    |(?P<raw>(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")
    |(?P<string>(?:u8|[uUL])?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)+'))
    |(?P<number>\.?[0-9](?:[eEpP][+-]|'?[A-Za-z0-9_.])*)
    |(?P<identifier>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<punctuation><<<|<=>|\.\.\.|->\*|<<=|::|->|\+\+|--|<<|<=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|.)""",
    re.VERBOSE | re.DOTALL,
)  # fmt: skip


class NotSplit(Exception):
    """The source does not fit the split way; the text says why. error: the compiler's own about a unit of the source
    (extensions_errors.Error), unit: that unit's name; both None for other reasons."""

    def __init__(self, text, error=None, unit=None):
        super().__init__(text)
        self.error, self.unit = error, unit


class Token:
    __slots__ = ("kind", "text", "start", "end")

    def __init__(self, kind, text, start, end):
        self.kind, self.text, self.start, self.end = kind, text, start, end

    def __repr__(self):
        return f"{self.kind}:{self.text!r}"


def tokenize(text, start=0, directives=True):
    """The tokens of text; a directive with all its lines is one token. NotSplit where the text is no C++."""
    tokens, at, line_begins = [], start, True
    while at < len(text):
        if directives and line_begins and text[at] == "#":
            end = _directive_end(text, at)
            tokens.append(Token(PREPROCESSOR, text[at:end], at, end))
            at = end
            continue
        match = _LEXER.match(text, at)
        kind, end = match.lastgroup, match.end()
        if kind == "mark":
            kind = "raw"
        piece = match.group()
        if kind == "space":
            line_begins = line_begins or "\n" in piece
        else:
            line_begins = False
            if kind == "punctuation" and piece in "\"'`@":
                raise NotSplit(f"a stray {piece} in the source")
            if kind == "punctuation" and text.startswith("/*", at):
                raise NotSplit("a comment without an end")
            tokens.append(Token(STRING if kind == "raw" else kind, piece, at, end))
        at = end
        if len(tokens) > MAX_TOKENS:
            raise NotSplit("a source of very many tokens")
    return tokens


def _directive_end(text, at):
    """Of a logical line: continued lines and comments over several lines belong to it."""
    while at < len(text):
        if text.startswith("/*", at):
            closed = text.find("*/", at + 2)
            at = len(text) if closed < 0 else closed + 2
        elif text.startswith("//", at):
            while at < len(text) and text[at] != "\n":
                at += 2 if text.startswith("\\\n", at) else 1
        elif text[at] == "\\" and text[at + 1 : at + 3].startswith(("\n", "\r\n")):
            at += 2 if text[at + 1] == "\n" else 3
        elif text[at] == "\n":
            return at
        else:
            at += 1
    return at


def matches(tokens):
    """Index of an opening bracket -> index of its closing one, and back."""
    found, open_ones = {}, []
    for index, token in enumerate(tokens):
        if token.kind != PUNCTUATION:
            continue
        if token.text in _PARTNERS:
            open_ones.append(index)
        elif token.text in ")]}":
            if not open_ones or _PARTNERS[tokens[open_ones[-1]].text] != token.text:
                raise NotSplit(f"a '{token.text}' without its partner")
            begin = open_ones.pop()
            found[begin], found[index] = index, begin
    if open_ones:
        raise NotSplit(f"a '{tokens[open_ones[-1]].text}' without its partner")
    return found


class Edits:
    """Replacements in a text by place."""

    def __init__(self, text):
        self._text, self._edits = text, []

    def replace(self, start, end, text):
        self._edits.append((start, end, text))

    def applied(self, start=0, end=None):
        """text[start:end] edited; an edit inside a larger one is swallowed by it, one that only adds comes first."""
        end = len(self._text) if end is None else end
        pieces, at = [], start
        for first, last, text in sorted(self._edits, key=lambda edit: (edit[0], edit[1] > edit[0], -edit[1])):
            if first < at or last > end:
                continue
            pieces += [self._text[at:first], text]
            at = last
        return "".join([*pieces, self._text[at:end]])
