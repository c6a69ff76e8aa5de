# SPDX-License-Identifier: Apache-2.0
"""The programs of load_inline/: what each builds is found by recording it, and docs/load-inline-corpus.md says of each
where its style was seen. Nothing is compiled here; tests/gpu/load_inline_corpus.py does that.
"""

import os
import pathlib
import re
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parents[1]
sys.path.insert(0, os.path.join(os.environ.get("ASSAY_BUILD_DIR", ROOT / "build" / "release"), "python"))

from assay_runner import extensions_recording  # noqa: E402

PROGRAMS = sorted(path.stem for path in (FOLDER / "load_inline").glob("*.py"))
SMALLEST_CORPUS = 64
MOST_OF_A_STYLE = 5
CALLS = {"computed_defines": 2, "where_several_calls": 2}  # the others make one
GUESSED = {"where_first_forward", "where_class_cache"}  # built at the first call
MET_AT_RUN_TIME = {"where_forward_shape"}  # the source holds an input's shape
WITHOUT_CUDA = {"cpp_only", "cpp_only_accessor"}


def source_of(name):
    return (FOLDER / "load_inline" / f"{name}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_calls_of_a_program_are_found(name, tmp_path):
    recording = extensions_recording.record(source_of(name), "sm_90", {}, str(tmp_path))
    assert recording.fault is None, recording.fault.message
    if name in MET_AT_RUN_TIME:
        assert recording.calls == []
        return
    assert len(recording.calls) == CALLS.get(name, 1)
    for call, certain in recording.calls:
        assert certain == (name not in GUESSED)
        assert call.with_cuda == (name not in WITHOUT_CUDA)
        text = "".join(part["text"] for unit in call.data["units"] for part in unit["parts"])
        assert call.with_cuda == ("__global__" in text or "cublas" in text or "cub::" in text or "thrust::" in text)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_has_the_form_of_an_answer(name):
    source = source_of(name)
    assert re.match(r"# SPDX-License-Identifier: Apache-2.0\n# Style: \S.*\n", source)
    for needed in ("class ModelNew(nn.Module):", "def get_inputs():", "def get_init_inputs():", "def expected(model, "):
        assert source.count(needed) == 1, needed


def test_the_corpus_is_large_and_mixed_and_its_styles_were_seen():
    assert len(PROGRAMS) >= SMALLEST_CORPUS
    text = (ROOT / "docs" / "load-inline-corpus.md").read_text(encoding="utf-8")
    text = text[text.index("## Styles") :].split("\n## ", 2)[0]  # the table of a GPU run may follow
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.M)
    styles = {style: names.split(", ") for style, names, _ in rows if not style.startswith(("style", "--"))}
    assert all(len(names) <= MOST_OF_A_STYLE for names in styles.values())
    listed = [name for names in styles.values() for name in names]
    assert sorted(listed) == PROGRAMS
