# SPDX-License-Identifier: Apache-2.0
"""When a mistake is the source's own for sure, and what is told while the last way is still tried; nothing is compiled."""

import concurrent.futures

import pytest
from runner_support import judge  # noqa: F401  (makes the package importable)

from assay_runner import extensions, extensions_build
from assay_runner.extensions_errors import Error, first_error, place_of, same_mistake
from assay_runner.split_tokens import NotSplit

GCC = "cpp_sources:3:11: error: ‘foo’ was not declared in this scope; did you mean ‘for’?\n"
EDG = 'cuda_sources(7): error: identifier "foo" is undefined\n'
NVRTC = 'device.cu(19): error: identifier "foo" is undefined\n'


def test_the_first_error_is_found_in_either_form():
    found = first_error("In file included from x\nmain.cpp:1:2: warning: odd\n" + GCC + EDG)
    assert (found.file, found.line) == ("cpp_sources", 3) and "‘foo’" in found.message
    found = first_error("x(3): warning #177-D: unused\n" + EDG + GCC)
    assert (found.file, found.line, found.message) == ("cuda_sources", 7, 'identifier "foo" is undefined')
    assert first_error("all is well") is None


def test_lines_of_the_whole_text_are_those_of_a_part():
    parts = [{"name": "", "text": "#include <a>"}, {"name": "one", "text": "x\ny"}, {"name": "two", "text": "z\n"}]
    assert [place_of(parts, line) for line in (1, 2, 3, 4, 6)] == [("", 1), ("one", 1), ("one", 2), ("two", 1), (None, None)]


SOURCES = {"cpp_sources", "cuda_sources"}


@pytest.mark.parametrize("one, other", [
    (first_error(GCC), first_error(GCC)),
    (first_error(EDG), Error(None, None, 'identifier "foo" is undefined')),
    (first_error(EDG), Error("cuda_sources", 7, "‘foo’ was not declared in this scope")),
])  # fmt: skip
def test_the_same_mistake(one, other):
    assert same_mistake(one, other, SOURCES)


@pytest.mark.parametrize("one, other", [
    (first_error(GCC), None),
    (first_error(GCC), Error("cpp_sources", 4, first_error(GCC).message)),
    (first_error(GCC), Error("cpp_sources", 3, "‘bar’ was not declared in this scope")),
    (Error("torch/extension.h", 3, "‘foo’ was not declared"), Error("torch/extension.h", 3, "‘foo’ was not declared")),
    # Stock's headers may know these.
    (Error("cpp_sources", 3, "‘nn’ is not a member of ‘torch’"), Error("cpp_sources", 3, "‘nn’ is not a member of ‘torch’")),
    (Error("cpp_sources", 3, "‘AT_DISPATCH_X’ was not declared"), Error("cpp_sources", 3, "‘AT_DISPATCH_X’ was not declared")),
])  # fmt: skip
def test_what_stock_decides(one, other):
    assert not same_mistake(one, other, SOURCES)


class Compilers:
    """In place of g++: the slim way fails with `said`, and so does stock's, which is counted."""

    def __init__(self, said):
        self.said, self.stock = said, 0

    def run(self, command, text=None):
        self.stock += not any("slim" in word for word in command)
        return 1, self.said


@pytest.mark.parametrize("split_line, stock_runs", [(3, 0), (4, 1)])
def test_stock_headers_are_not_read_for_a_mistake_that_two_ways_agree_on(monkeypatch, tmp_path, split_line, stock_runs):
    call = extensions.inline_call(("e", "int f() {\n  int x = 1;\n  int y = foo(x);\n}\n"), {})
    compilers, told = Compilers(GCC), []
    monkeypatch.setattr(extensions_build, "Commands", lambda folder: compilers)
    monkeypatch.setattr(compilers, "stop", lambda: None, raising=False)

    class Split:
        stages, kernels = {}, []

        def __init__(self, *_):
            pass

        def library(self):
            raise NotSplit("g++: an error", Error("cpp_sources", split_line, first_error(GCC).message), "main.cpp")

    monkeypatch.setattr(extensions_build, "SplitBuild", Split)
    toolkit = extensions_build.Toolkit("/nowhere", str(tmp_path))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        build = extensions_build.Build(call, "sm_90", toolkit, str(tmp_path / "0"), pool, tell=told.append)
        with pytest.raises(extensions_build.Failed) as failure:
            build.finish()
    assert "‘foo’ was not declared" in str(failure.value)
    assert compilers.stock == stock_runs
    assert len(told) == stock_runs
    if told:
        assert told[0].startswith("extension 'e', with slim headers (stock headers not finished):\ncpp_sources:3:11: error:")
