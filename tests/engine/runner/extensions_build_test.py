# SPDX-License-Identifier: Apache-2.0
"""Extensions compiled for real and imported as a runner imports them; on the CPU, for sm_90."""

import os
import struct
import textwrap

import pytest
import torch
from runner_support import judge  # noqa: F401  (makes the package importable)

from assay_runner import errors, extensions, extensions_build, extensions_compiler, extensions_log
from assay_runner.extensions_runtime import Library

pytestmark = pytest.mark.skipif(not os.path.exists(os.path.join(os.environ.get("CUDA_HOME", ""), "bin", "nvcc")),
                                reason="needs CUDA_HOME with nvcc")  # fmt: skip
HEAD = "import torch\nfrom torch.utils.cpp_extension import load_inline\n"
# A module without torch's headers compiles in half a second.
PLAIN = """
#include <Python.h>
static PyObject* value(PyObject*, PyObject*) { return PyLong_FromLong(VALUE); }
static PyMethodDef methods[] = {{"value", value, METH_NOARGS, ""}, {nullptr, nullptr, 0, nullptr}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "m", "", -1, methods};
#define JOINED(a, b) a##b
#define INIT(name) JOINED(PyInit_, name)
extern "C" PyObject* INIT(TORCH_EXTENSION_NAME)() { return PyModule_Create(&definition); }
"""


def plain(value):
    return PLAIN.replace("VALUE", str(value))


def compile_source(source, **request):
    kernel = {"kernel_type": "torch_cuda", "source_code": textwrap.dedent(source)}
    return extensions_compiler.compile_extensions(kernel, {"architecture": "sm_90", **request})


def failure_of(source):
    with pytest.raises(errors.Fault) as caught:
        compile_source(source)
    assert caught.value.kind == errors.IMPORT
    return caught.value.message


def architectures_in(library):
    """Of the device code in a library: fatbinaries are a header of 16 bytes, then entries; an entry's architecture is a
    word of its header at 28.
    """
    found, at = set(), -1
    while (at := library.find(struct.pack("<IHH", 0xBA55ED50, 1, 16), at + 1)) >= 0:
        (size,) = struct.unpack_from("<Q", library, at + 8)
        entry = at + 16
        while entry < at + 16 + size:
            header, data = struct.unpack_from("<IQ", library, entry + 4)
            found.add(struct.unpack_from("<I", library, entry + 28)[0])
            entry += header + data
    return found


def test_a_cpp_extension_with_torch_is_called():
    source = HEAD + (
        'cpp = "torch::Tensor twice(torch::Tensor x) { TORCH_CHECK(x.dim() == 1); return x * 2; }"\n'
        'ext = load_inline("twice_ext", cpp, functions=["twice"])\n'
    )
    compiled = compile_source(source)
    assert compiled.way == extensions_build.SPLIT and not compiled.needs_gpu and compiled.tier == "host"
    assert {stage["name"] for stage in compiled.stages} == {"record", "split", "host", "link"}
    library = Library(compiled.launch, compiled.binary)
    cpp = "torch::Tensor twice(torch::Tensor x) { TORCH_CHECK(x.dim() == 1); return x * 2; }"
    module = library.load_inline("twice_ext", [cpp], functions="twice")
    assert torch.equal(module.twice(torch.arange(3.0)), torch.tensor([0.0, 2.0, 4.0]))
    with pytest.raises(RuntimeError, match="x.dim"):
        module.twice(torch.ones(2, 2))
    assert library.load_inline("other_name", [cpp], functions="twice").twice is not None, "found without its name"
    assert library.load_inline("twice_ext", [cpp], functions="twice") is module


def test_a_cuda_extension_holds_code_for_the_architecture():
    cuda = r"""
#include <torch/extension.h>
#include <ATen/cuda/CUDAContext.h>
template <typename T> __global__ void add(const T* a, const T* b, T* c, int n) {
  __shared__ T tile[32];
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  tile[threadIdx.x % 32] = 0;
  if (i < n) c[i] = a[i] + b[i] + tile[0];
}
torch::Tensor add_cuda(torch::Tensor a, torch::Tensor b) {
  TORCH_CHECK(a.is_cuda(), "wants a GPU");
  auto c = torch::empty_like(a);
  AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "add", [&] {
    add<scalar_t><<<(a.numel() + 255) / 256, 256, 0, at::cuda::getCurrentCUDAStream()>>>(
        a.data_ptr<scalar_t>(), b.data_ptr<scalar_t>(), c.data_ptr<scalar_t>(), a.numel());
  });
  return c;
}
"""
    source = HEAD + (
        f"cuda = r'''{cuda}'''\n"
        'ext = load_inline("add_ext", "torch::Tensor add_cuda(torch::Tensor a, torch::Tensor b);", cuda,\n'
        '                  functions=["add_cuda"], extra_cuda_cflags=["-O3"], extra_ldflags=["-lcublas", "-lcuda"])\n'
    )
    compiled = compile_source(source)
    assert compiled.needs_gpu and architectures_in(compiled.binary) == {90}
    assert compiled.way == extensions_build.SPLIT
    assert len(compiled.kernels) == 2
    for kernel in compiled.kernels:
        assert kernel["registers"] > 0 and kernel["shared_static_bytes"] in (128, 256), kernel


def test_what_does_not_compile_with_the_slim_headers_is_built_with_the_stock_ones(monkeypatch, tmp_path):
    (tmp_path / "c10" / "util").mkdir(parents=True)
    (tmp_path / "c10" / "util" / "irange.h").write_text("#pragma once\n")
    monkeypatch.setattr(extensions_build, "SLIM_FOLDER", str(tmp_path))
    text = "#include <c10/util/irange.h>\n" + plain("*c10::irange(5, 6).begin()")
    source = HEAD + f'ext = load_inline("stock_ext", r"""{text}""", no_implicit_headers=True)\n'
    compiled = compile_source(source)
    assert compiled.way == extensions_build.STOCK
    library = Library(compiled.launch, compiled.binary)
    assert library.load_inline("stock_ext", text, no_implicit_headers=True).value() == 5


def test_errors_name_the_submitted_string_and_its_line():
    source = HEAD + (
        "cuda = '''\n__global__ void k(float* x) {\n  x[0] = undefined_thing;\n}\n'''\n"
        'load_inline("e", "int f();\\nint g(;\\n", cuda, no_implicit_headers=True)\n'
    )
    message = failure_of(source)
    assert message.startswith("cpp_sources:2:7: error:"), message
    assert "     2 | int g(;" in message
    assert 'cuda_sources(3): error: identifier "undefined_thing" is undefined' in message
    assert len(message) <= extensions_log.MAX_CHARACTERS and "/tmp" not in message


def test_many_errors_are_cut_with_the_first_ones_first():
    body = "\\n".join(f"int a{i} = missing_{i};" for i in range(1, 500))
    message = failure_of(HEAD + f'load_inline("e", "{body}", no_implicit_headers=True)\n')
    assert message.startswith("cpp_sources:1:") and "missing_1" in message.splitlines()[0]
    assert len(message) <= extensions_log.MAX_CHARACTERS and "missing_499" not in message


def test_undefined_symbols_of_the_linker_are_told():
    message = failure_of(HEAD + f'load_inline("e", r"""{plain(1)}""", no_implicit_headers=True, extra_ldflags=["-lnothing_here"])')
    assert "cannot find -lnothing_here" in message


def test_a_source_that_answers_a_failed_build_with_another():
    source = HEAD + f"""
try:
    ext = load_inline("e", "this is no C++", no_implicit_headers=True)
except RuntimeError:
    ext = load_inline("e", r'''{plain(4)}''', no_implicit_headers=True)
"""
    compiled = compile_source(source)
    library = Library(compiled.launch, compiled.binary)
    with pytest.raises(RuntimeError, match="Error building extension 'e'"):
        library.load_inline("e", "this is no C++", no_implicit_headers=True)
    assert library.load_inline("e", plain(4), no_implicit_headers=True).value() == 4


def test_several_extensions_one_of_them_met_at_run_time():
    source = HEAD + "".join(
        f"e{i} = load_inline('e{i}', r'''{plain(i)}''', no_implicit_headers=True)\n" for i in range(2)
    )
    late = extensions.inline_call(("late", plain(7)), {"no_implicit_headers": True})
    compiled = compile_source(source, extensions=[late.data])
    library = Library(compiled.launch, compiled.binary)
    for name, value in (("e0", 0), ("e1", 1), ("late", 7)):
        assert library.load_inline(name, plain(value), no_implicit_headers=True).value() == value


def test_a_guessed_call_need_not_build():
    source = HEAD + 'def get():\n    return load_inline("e", "this is no C++", no_implicit_headers=True)\n'
    compiled = compile_source(source)
    assert compiled.launch["extensions"] == [] and "does not build" in compiled.log


def test_two_versions_of_one_name():
    source = HEAD + "".join(
        f"e{i} = load_inline('e', r'''{plain(i)}''', no_implicit_headers=True)\n" for i in range(2)
    )
    compiled = compile_source(source)
    library = Library(compiled.launch, compiled.binary)
    values = [library.load_inline("e", plain(i), no_implicit_headers=True).value() for i in (0, 1, 0)]
    assert values == [0, 1, 0]


def test_an_unknown_call_says_what_is_to_be_built():
    library = Library({"extensions": [], "failed": []}, b"")
    with pytest.raises(errors.Fault) as caught:
        library.load_inline("e", "int f();")
    answer = caught.value.answer()["error"]
    assert answer["kind"] == errors.EXTENSION and "'e'" in answer["message"]
    assert extensions.Call(answer["call"]).key == extensions.inline_call(("e", "int f();"), {}).key


def test_endless_output_of_a_compiler_is_not_kept(tmp_path):
    command = ["sh", "-c", "yes | head -c 50000000"]
    status, output = extensions_build._run(command, str(tmp_path))
    assert status == 0 and len(output) == extensions_build.MAX_OUTPUT_BYTES


def test_a_mistake_of_the_source_is_told_without_reading_stocks_headers(monkeypatch):
    """It would cost most of a minute."""
    run, commands = extensions_build.Commands.run, []
    monkeypatch.setattr(extensions_build.Commands, "run",
                        lambda self, command, text=None: commands.append(command) or run(self, command, text))  # fmt: skip
    failure = failure_of(HEAD + 'ext = load_inline("e", "int f(int x) {\\n  int y = foo(x);\\n  return y;\\n}", functions=["f"])\n')
    assert failure.startswith("cpp_sources:2:11: error: ‘foo’ was not declared in this scope"), failure
    slim = f"-I{extensions_build.SLIM_FOLDER}"
    assert commands and all(slim in command for command in commands), commands
