# SPDX-License-Identifier: Apache-2.0
"""The split way with real compilers, without a GPU: functions called through the precompiled caller beside pybind11's own,
device code beside nvcc's bit for bit, and what falls back.
"""

import concurrent.futures
import os
import re
import struct
import subprocess
import types

import pytest
import torch
from runner_support import judge  # noqa: F401  (makes the package importable)

from assay_runner import extensions, extensions_build
from assay_runner.extensions_build import SLIM, SPLIT, STOCK
from assay_runner.extensions_runtime import Library

CUDA_HOME = os.environ.get("CUDA_HOME", "")
pytestmark = pytest.mark.skipif(not os.path.exists(os.path.join(CUDA_HOME, "bin", "nvcc")), reason="needs CUDA_HOME with nvcc")

BINDINGS = r"""
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>
namespace py = pybind11;
long plus(long a, int b) { return a + b; }
double halved(double x) { return x / 2; }
bool no(bool x) { return !x; }
std::string twice(const std::string& s) { return s + s; }
std::vector<double> scaled(std::vector<long> v, std::optional<double> by) {
  std::vector<double> r;
  for (long x : v) r.push_back(static_cast<double>(x) * by.value_or(10));
  return r;
}
long fails(long x) {
  if (x == 0) throw std::invalid_argument("not 0");
  if (x == 1) throw std::out_of_range("not 1");
  throw std::runtime_error("never");
}
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.doc() = "a module";
  m.def("plus", &plus, "adds", py::arg("a"), py::arg("b") = 4);
  m.def("halved", &halved);
  m.def("no", &no, py::arg("x"));
  m.def("twice", &twice);
  m.def("scaled", &scaled, py::arg("v"), py::arg("by") = py::none());
  m.def("fails", &fails);
  m.def("kind", [](long) { return std::string("int"); });
  m.def("kind", [](double) { return std::string("float"); });
  m.def("kind", [](const std::string&) { return std::string("text"); });
}
"""
CALLS = [
    ("plus", (1, 2), {}), ("plus", (1,), {}), ("plus", (), {"b": 2, "a": 1}), ("plus", (1,), {"b": True}), ("plus", (1,), {"a": 2}),
    ("plus", (), {}), ("plus", (1, 2, 3), {}), ("plus", (1.5, 2), {}), ("plus", (1, 1 << 40), {}), ("plus", ("1", 2), {}),
    ("plus", (1,), {"c": 2}), ("halved", (3,), {}), ("halved", (True,), {}), ("halved", ("3",), {}), ("halved", (), {"x": 1}), ("no", (True,), {}),
    ("no", (None,), {}), ("no", (1,), {}), ("twice", ("ä",), {}), ("twice", (b"ab",), {}), ("twice", (3,), {}), ("scaled", ([1, 2],), {}),
    ("scaled", ((1, 2), 0.5), {}), ("scaled", ([1, "2"],), {}), ("scaled", ([],), {"by": None}), ("scaled", (3,), {}),
    ("fails", (0,), {}), ("fails", (1,), {}), ("fails", (2,), {}), ("kind", (1,), {}), ("kind", (1.0,), {}), ("kind", ("x",), {}),
    ("kind", (True,), {}), ("kind", ([],), {}), ("halved", (1, 2), {}), ("scaled", ([1], "x"), {}),
]  # fmt: skip
TENSORS = r"""
#include <torch/extension.h>
using namespace torch;
Tensor times(Tensor x, double by) { TORCH_CHECK(x.dim() == 1, "one dimension, not ", x.dim()); return x * by; }
std::vector<Tensor> parts(const Tensor& x, c10::optional<Tensor> y) { return {x[0], y ? *y : x[1]}; }
std::tuple<Tensor, Tensor> both(std::vector<Tensor> x) { return {torch::cat(x), torch::stack(x, 0)}; }
void set_all(Tensor x, double value) { x.fill_(value); }
Tensor shaped(IntArrayRef sizes, at::ScalarType type) { return torch::zeros(sizes, torch::TensorOptions().dtype(type)); }
Tensor pick(Tensor x, int64_t i) { TORCH_CHECK_INDEX(i < 3, "index ", i); return x; }
"""
CUDA = r"""
#include <cfloat>
#include <cmath>
#include <limits>
#include <cuda_fp16.h>
namespace { __constant__ float taps[3]; }
__device__ int hits;
constexpr int three() { return 3; }
template <typename T> __device__ __forceinline__ T sum(T v) {
#pragma unroll
  for (int o = 16; o > 0; o >>= 1) v += __shfl_xor_sync(0xffffffff, v, o);
  return v;
}
template <typename T, int N> __global__ void powers(const T* x, T* y, int k) {
  y[0] = pow(x[0], 2) + pow(x[1], k) * N;
}
template <typename T, int N> __global__ void sums(const T* x, T* y, int64_t n) {
  y[threadIdx.x] = sum(x[threadIdx.x]) + static_cast<T>(taps[N % three()]);
  if (isnan(x[0]) || n > INT64_MAX - 4) atomicAdd(&hits, 1);
}
template <typename T, int N> __global__ void values(const T* x, T* y) {
  y[0] = std::max(x[0], fmax(x[6], x[7])) + std::numeric_limits<T>::max() * x[1] + static_cast<T>(M_PI + FLT_MAX * x[2] + N);
  y[1] = exp(x[2]) + log(x[3]) * tanh(x[4]) + static_cast<T>(__half2float(__float2half(static_cast<float>(x[8])))) + INFINITY * x[5];
}
static __global__ void small(float* x, int n) { if (static_cast<int>(threadIdx.x) < n) x[threadIdx.x] = rsqrtf(fabsf(x[threadIdx.x])) * 0.5f; }
"""
LAUNCHES = r"""
template __global__ void powers<float, 8>(const float*, float*, int);
template __global__ void sums<float, 8>(const float*, float*, int64_t);
template __global__ void values<float, 8>(const float*, float*);
template __global__ void powers<double, 4>(const double*, double*, int);
template __global__ void sums<double, 4>(const double*, double*, int64_t);
template __global__ void values<double, 4>(const double*, double*);
"""
HOST = r"""
#include <torch/extension.h>
void run(torch::Tensor x) {
  float three_taps[3] = {1, 2, 3};
  cudaMemcpyToSymbol(taps, three_taps, sizeof(three_taps));
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "run", ([&] {
    constexpr int kN = sizeof(scalar_t) == 4 ? 8 : 4;
    auto* data = x.data_ptr<scalar_t>();
    powers<scalar_t, kN><<<1, 1>>>(data, data, 3);
    sums<scalar_t, kN><<<1, 32>>>(data, data, x.numel());
    values<scalar_t, kN><<<1, 1>>>(data, data);
  }));
  small<<<dim3(1), 32, 0, at::cuda::getCurrentCUDAStream()>>>(x.data_ptr<float>(), 3);
}
"""


def build(tmp_path, call, ways=(SPLIT,)):
    tmp_path.joinpath("links").mkdir(exist_ok=True)
    folder = tmp_path / f"{call.name}-{'-'.join(ways).replace(' ', '_')}"
    toolkit = extensions_build.Toolkit(CUDA_HOME, str(tmp_path / "links")) if not (tmp_path / "links" / "lib").exists() else None
    build.toolkit = toolkit or build.toolkit
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return extensions_build.Build(call, "sm_90", build.toolkit, str(folder), pool, ways).finish()


def loaded(call, built):
    entry = {"key": call.key, "nameless_key": call.nameless_key, "name": call.name, "python_module": True,
             "caller": built.way == SPLIT, "offset": 0, "bytes": len(built.library)}  # fmt: skip
    return Library({"extensions": [entry], "failed": []}, built.library)._find(call)


def outcome(function, arguments, keywords):
    try:
        return repr(function(*arguments, **keywords))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def sections(image):
    """Of the first cubin in the bytes: {name: contents} of code and shared memory."""
    at = -1
    while (at := image.find(b"\x7fELF\x02", at + 1)) >= 0:
        if struct.unpack_from("<H", image, at + 18)[0] == 190:
            break
    assert at >= 0, "no cubin"
    (offset,) = struct.unpack_from("<Q", image, at + 0x28)
    size, count, names = struct.unpack_from("<HHH", image, at + 0x3A)
    headers = [struct.unpack_from("<IIQQQQIIQQ", image, at + offset + i * size) for i in range(count)]
    found = {}
    for name, kind, _, _, begin, length, *_ in headers:
        text = image[at + headers[names][4] + name :].split(b"\0", 1)[0].decode()
        if text.startswith((".text", ".nv.shared")):
            found[text] = length if kind == 8 else image[at + begin : at + begin + length]
    return found


def test_the_caller_behaves_as_pybind11(tmp_path):
    call = extensions.inline_call(("bound", BINDINGS), {"no_implicit_headers": True})
    split = loaded(call, build(tmp_path, call))
    stock = loaded(call, build(tmp_path, call, (SLIM,)))
    assert split.__doc__ == stock.__doc__ == "a module"
    for name, arguments, keywords in CALLS:
        ours, theirs = outcome(getattr(split, name), arguments, keywords), outcome(getattr(stock, name), arguments, keywords)
        assert ours == theirs, (name, arguments, keywords)


def test_tensors_through_the_caller(tmp_path):
    names = ["times", "parts", "both", "set_all", "shaped", "pick"]
    call = extensions.inline_call(("tensors", TENSORS), {"functions": names})
    module = loaded(call, build(tmp_path, call))
    x = torch.arange(3.0)
    assert torch.equal(module.times(x, 2), x * 2)
    assert [part.item() for part in module.parts(x, None)] == [0, 1] and module.parts(x, x)[1] is x
    joined, stacked = module.both([x, x])
    assert joined.shape == (6,) and stacked.shape == (2, 3)
    assert module.set_all(x, 3) is None and x.tolist() == [3, 3, 3]
    assert module.shaped([2, 0], torch.int32).dtype == torch.int32
    with pytest.raises(RuntimeError, match="^one dimension, not 2$"):
        module.times(torch.ones(2, 2), 1)
    with pytest.raises(IndexError, match="^index 3$"):
        module.pick(x, 3)
    with pytest.raises(TypeError, match=r"1\. \(arg0: torch\.Tensor, arg1: .*[Ff]loat.*\) -> torch\.Tensor"):
        module.times(x, "2")
    with pytest.raises(TypeError):
        module.times(None, 2)


def test_device_code_is_nvccs_to_the_bit(tmp_path):
    call = extensions.inline_call(("bits", "void run(torch::Tensor x);", CUDA + HOST), {"functions": ["run"], "extra_cuda_cflags": ["-O3"]})
    built = build(tmp_path, call)
    assert built.way == SPLIT and {"split", "host", "device", "link"} == set(built.stages)
    assert len(built.kernels) == 7 and all(kernel["registers"] > 0 for kernel in built.kernels)
    assert loaded(call, built).run is not None
    source, image = tmp_path / "bits.cu", tmp_path / "bits.cubin"
    source.write_text("#include <cstdint>\n#include <algorithm>\n" + CUDA.replace("namespace {", "inline namespace assay_unnamed_1 {").replace("static __global__", "__global__") + LAUNCHES)  # fmt: skip
    flags = ["-arch=sm_90", "-std=c++17", "--expt-relaxed-constexpr", "-cubin"]
    flags += [f"-D__CUDA_NO_{word}__" for word in ("HALF_OPERATORS", "HALF_CONVERSIONS", "BFLOAT16_CONVERSIONS", "HALF2_OPERATORS")]
    subprocess.run([os.path.join(CUDA_HOME, "bin", "nvcc"), *flags, str(source), "-o", str(image)], check=True)
    ours, theirs = sections(built.library), sections(image.read_bytes())
    assert len([name for name in theirs if name.startswith(".text")]) == 7
    assert {name: ours.get(name) for name in theirs} == theirs


@pytest.mark.parametrize(
    "keywords, why",
    [
        ({"extra_cuda_cflags": ["-rdc=true"]}, "-rdc=true"),
        ({"extra_cflags": ["-march=native"]}, "-march=native"),
        ({"is_python_module": False}, "no Python module"),
    ],
)
def test_what_falls_back(tmp_path, keywords, why):
    call = extensions.inline_call(("back", "int f();", "__global__ void k(float* x) {}"), {"functions": [], **keywords})
    with pytest.raises(extensions_build.Failed, match=re.escape(why)):
        build(tmp_path, call)


def test_kernels_of_one_name_are_all_known_to_the_runtime(tmp_path):
    text = "__global__ void k(float* x, int n) {}\n__global__ void k(double* x) {}\n" \
           "void f(torch::Tensor x) { k<<<1, 1>>>(x.data_ptr<float>(), 1); k<<<1, 1>>>(x.data_ptr<double>()); }"
    call = extensions.inline_call(("overloads", "void f(torch::Tensor x);", text), {"functions": ["f"]})
    assert build(tmp_path, call).way == SPLIT
    (path,) = tmp_path.glob("overloads-*/split/*.register.cpp")
    registered = re.findall(r'__cudaRegisterFunction\(handle, \w+, \(char\*\)"(\w+)"', path.read_text())
    assert sorted(registered) == ["_Z1kPd", "_Z1kPfi"]


def test_a_kernel_for_a_lambda_falls_back(tmp_path):
    text = "template <typename F> __global__ void k(float* x, F f) { x[0] = f(x[0]); }\n" \
           "void f(torch::Tensor x) { k<<<1, 1>>>(x.data_ptr<float>(), [] __device__(float v) { return v + 1; }); }"
    call = extensions.inline_call(("device_lambda", "void f(torch::Tensor x);", text),
                                  {"functions": ["f"], "extra_cuda_cflags": ["--extended-lambda"]})  # fmt: skip
    with pytest.raises(extensions_build.Failed, match="lambda"):
        build(tmp_path, call)


def test_after_the_split_way_the_next_is_taken_and_the_reason_kept(tmp_path):
    text = BINDINGS.replace('m.doc() = "a module";', 'm.attr("version") = 3;')
    call = extensions.inline_call(("attribute", text), {"no_implicit_headers": True})
    built = build(tmp_path, call, (SPLIT, SLIM, STOCK))
    assert built.way == SLIM and "attr" in built.not_split and "split" in built.stages
    assert loaded(call, built).version == 3


def test_the_split_ways_errors_are_not_shown(tmp_path):
    call = extensions.inline_call(("wrong", "int f( {"), {"no_implicit_headers": True})
    with pytest.raises(extensions_build.Failed) as caught:
        build(tmp_path, call, (SPLIT, SLIM, STOCK))
    assert str(caught.value).startswith("cpp_sources:1:") and "split" not in str(caught.value)


def test_the_operator_says_how_many_compilers_run_at_once(monkeypatch):
    monkeypatch.setenv("MAX_JOBS", "7")
    assert extensions_build.parallel() == 7
    for other in ("", "0", "many"):
        monkeypatch.setenv("MAX_JOBS", other)
        assert 1 <= extensions_build.parallel() <= extensions_build.MAX_PARALLEL


def test_the_ways_may_be_named(monkeypatch):
    monkeypatch.setenv("ASSAY_EXTENSION_WAYS", "stock, split")
    assert extensions_build._allowed_ways() == (STOCK, SPLIT)
    monkeypatch.setenv("ASSAY_EXTENSION_WAYS", "fast")
    with pytest.raises(ValueError, match="'fast' is none of split, slim, stock"):
        extensions_build._allowed_ways()
    monkeypatch.delenv("ASSAY_EXTENSION_WAYS")
    assert extensions_build._allowed_ways() == (SPLIT, SLIM, STOCK)


def test_beside_means_beside_and_ends(tmp_path, monkeypatch):
    """Where the split way takes long, the next runs beside it, and is ended when the split way is done."""
    monkeypatch.setattr(extensions_build, "HEAD_START_SECONDS", 0.0)
    monkeypatch.setattr(extensions_build, "HEAD_START_SECONDS_FEW_CORES", 0.0)
    call = extensions.inline_call(("beside", TENSORS), {"functions": ["times"]})
    built = build(tmp_path, call, (SPLIT, SLIM, STOCK))
    assert built.way == SPLIT and isinstance(loaded(call, built), types.ModuleType)


def test_a_split_way_that_does_not_end_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(extensions_build, "HEAD_START_SECONDS", 0.1)
    monkeypatch.setattr(extensions_build, "HEAD_START_SECONDS_FEW_CORES", 0.1)
    slow = lambda output, flags=(): ["sh", "-c", "sleep 100", "sh", output]  # noqa: E731
    monkeypatch.setattr("assay_runner.split_build.host_command", slow)
    call = extensions.inline_call(("slow", BINDINGS), {"no_implicit_headers": True})
    built = build(tmp_path, call, (SPLIT, SLIM, STOCK))
    assert built.way == SLIM and "quicker" in built.not_split
    assert loaded(call, built).plus(1, 2) == 3
