# SPDX-License-Identifier: Apache-2.0
"""Reading a CUDA source and making two units of it; no compiler takes part."""

import pytest
from runner_support import judge  # noqa: F401  (makes the package importable)

from assay_runner.split_flags import Flags
from assay_runner.split_objects import readable, without_arguments, without_parameters
from assay_runner.split_source import CLASS, FUNCTION, MACRO, VARIABLE, Source
from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, STRING, NotSplit, tokenize
from assay_runner.split_units import Units

KERNEL = "__global__ void k(float* x, int n) { if (n > 0) x[0] = 1; }\n"


def texts(source):
    return [token.text for token in tokenize(source)]


def host(source):
    return " ".join(Units(source, "unnamed").host.split())


def device(source):
    return " ".join(Units(source, "unnamed").device().split())


@pytest.mark.parametrize(
    "source, tokens",
    [
        ("a<<<b, c>>>(d)", ["a", "<<<", "b", ",", "c", ">", ">", ">", "(", "d", ")"]),
        ("x<y<z>>v", ["x", "<", "y", "<", "z", ">", ">", "v"]),
        ("/* << */ a // b \\\n still\nc", ["a", "c"]),
        ("1.5e-3f 0x1p-2 1'000 .5f", ["1.5e-3f", "0x1p-2", "1'000", ".5f"]),
        ('"a\\"b" \'\\\'\' R"x(")" )x" u8"ü"', ['"a\\"b"', "'\\''", 'R"x(")" )x"', 'u8"ü"']),
        ("a->b::c ... ->*", ["a", "->", "b", "::", "c", "...", "->*"]),
    ],
)
def test_tokens(source, tokens):
    assert texts(source) == tokens


def test_a_directive_is_one_token_with_its_continued_lines_and_comments():
    tokens = tokenize("#define A \\\n  1 /* two\nlines */ 2\nint b; # not one\n")
    assert [token.kind for token in tokens[:2]] == [PREPROCESSOR, IDENTIFIER]
    assert tokens[0].text.endswith("lines */ 2") and tokens[1].text == "int"


@pytest.mark.parametrize("source", ['"open', "f(", "f)", "{ ( }", "/* open", "int a = 'x;\n"])
def test_what_is_no_cpp_is_not_split(source):
    with pytest.raises(NotSplit):
        Source(source)


def test_declarations_are_told_apart():
    source = Source("""
template <typename T, int N = (1 > 0)> struct Box { T v[N]; __device__ Box(T a) : v{a} {} int size() const { return N; } };
namespace a::b { static inline int f(std::vector<int> x = {}) noexcept { return 1; } }
constexpr float kTable[] = {1, 2};
TORCH_MACRO(one, two) { body(); }
auto g(int x) -> int { return x; }
enum Mode { fast, slow };
typedef float real;
#define DEVICE __device__ __forceinline__
DEVICE float h(float x) { return x; }
int (*pointer)(int) = nullptr;
""")
    found = [(item.kind, item.name) for item in source.items if item.kind != "directive"]
    assert found[:5] == [(CLASS, "Box"), (FUNCTION, "f"), (VARIABLE, "kTable"), (MACRO, "TORCH_MACRO"), (FUNCTION, "g")]
    assert source.items[0].members[1].device_only and not source.items[0].members[2].device_only
    assert [part.name for part in source.items[1].path] == ["a::b"]
    assert "slow" in source.items[5].names and source.items[6].name == "real"
    assert next(item for item in source.items if item.name == "h").device_only, "through a macro"


def test_a_kernel_is_a_stub_for_gpp_and_itself_for_nvrtc():
    source = KERNEL + "void run(float* x) { k<<<1, dim3(2, 3), 0, stream()>>>(x, 4); }\n"
    assert "(::assay_split::configure(1, dim3(2, 3), 0, stream()) ? (void)0 : k(x, 4));" in host(source)
    assert "assay_split::address(x), assay_split::address(n)" in host(source) and "x[0] = 1" not in host(source)
    assert "x[0] = 1" in device(source) and "run" not in device(source)


def test_a_template_names_its_own_instantiation():
    source = "template <typename T, int... N> __global__ void k(const T* x, T y = 1) {}\n"
    assert "static_cast<void (*)(const T* x, T y)>(&k<T, N...>)" in host(source)


@pytest.mark.parametrize(
    "launch, stub",
    [
        ("ns::k<T, 2><<<g, b>>>(x);", "configure(g, b) ? (void)0 : ns::k<T, 2>(x));"),
        ("if (a > b) k<<<g, b>>>(x); else return;", "if (a > b) (::assay_split::configure(g, b) ? (void)0 : k(x));"),
        ("this->table[i]<<<g, b>>>(x);", "(::assay_split::configure(g, b) ? (void)0 : this->table[i](x));"),
        ("(*f)<<<g, b>>>(x);", "(::assay_split::configure(g, b) ? (void)0 : (*f)(x));"),
        ("k<Box<int>><<<f<int>(), b>>>(x);", "configure(f<int>(), b) ? (void)0 : k<Box<int>>(x));"),
        ("case 1: ::k<<<g, b>>>(x);", "case 1: (::assay_split::configure(g, b) ? (void)0 : ::k(x));"),
    ],
)
def test_launches(launch, stub):
    text = host(KERNEL + f"void run(float* x) {{ {launch} }}")
    assert stub in text, text


def test_a_launch_in_a_macro():
    source = KERNEL + "#define GO(N) \\\n  case N: k<<<N, \\\n 2>>>(x, N); break;\n"
    assert "case N: (::assay_split::configure(N, 2) ? (void)0 : k (x, N)); break;" in host(source)


def test_only_what_kernels_use_reaches_nvrtc():
    source = """
#include <torch/extension.h>
#include <cuda_fp16.h>
using namespace torch::indexing;
struct Kept { float a; Kept(int) {} };
struct Left { torch::Tensor t; };
constexpr int twice(int x) { return x * 2; }
int plain(int x) { return x; }
__device__ float used(Kept k) { return k.a + twice(1); }
namespace { __constant__ float weights[2]; }
static __global__ void k(float* x) { x[0] = used(Kept{}) + plain(1) + weights[0]; }
"""
    text = device(source)
    assert "cuda_fp16.h" in text and "torch" not in text and "Left" not in text
    assert "__host__ __device__ constexpr int twice" in text and "Kept(int) = delete;" in text
    assert "int plain" not in text, "stock refuses to call it from the device, and so must this"
    assert "inline namespace unnamed { __constant__ float weights[2]; }" in text
    units = Units(source, "unnamed")
    assert units.kernels == {"k": False} and units.variables == {"unnamed::weights": True}
    assert "static __global__" not in units.host and "static __global__" not in units.device()


def test_what_only_an_instantiation_names_reaches_nvrtc_with_it():
    source = "struct Op { __device__ int go() { return 1; } };\ntemplate <typename F> __global__ void k(int* x) { x[0] = F{}.go(); }\n"
    units = Units(source, "unnamed")
    assert "struct Op" in units.device(["k<Op>"]) and "struct Op" not in units.device(["k<float>"])


def test_kernels_and_variables_are_hidden_from_other_extensions():
    text = host("static __constant__ float w[2];\n" + KERNEL)
    assert text.count('__attribute__((visibility("hidden")))') == 2 and "static __constant__" not in text


@pytest.mark.parametrize(
    "source, why",
    [
        ("#include <thrust/sort.h>\n", "thrust/sort.h"),
        ("#ifdef __CUDACC__\n#endif\n", "__CUDACC__"),
        ("#if SOME_HEADERS_VALUE\n#endif\n", "SOME_HEADERS_VALUE"),
        ("__managed__ int x;\n", "__managed__"),
        ("#define MAKE(n) __global__ void n() {}\nMAKE(k)\n", "__global__"),
        ("__global__ void k(float* x) { k<<<1, 1>>>(x); }", "a kernel that launches"),
        ("__global__ void k(float*) {}", "without a name"),
        ("__global__ void k(float* x) { x[0] = std::pow(x[0], 2); }", "std::pow"),
        ("TORCH_LIBRARY(a, m) {}", "TORCH_LIBRARY"),
    ],
)
def test_what_falls_back_says_why(source, why):
    with pytest.raises(NotSplit, match=why):
        Units(source, "unnamed").device()
    Units(KERNEL, "unnamed")  # the control


def test_flags():
    data = {"cflags": ["-O3"], "cuda_cflags": ["-O3", "--use_fast_math", "-Xptxas", "-O2,-v", "-DN=2", "-UM", "--maxrregcount=32",
                                               "-U__CUDA_NO_HALF_OPERATORS__", "-gencode=arch=compute_90,code=sm_90"], "ldflags": ["-lcublas"]}  # fmt: skip
    flags = Flags(data, "90")
    for wanted in ("--use_fast_math", "--ptxas-options=-O2", "-DN=2", "--maxrregcount=32", "-U__CUDA_NO_HALF_OPERATORS__"):
        assert wanted in flags.device
    assert "-D__CUDA_NO_HALF_OPERATORS__" not in flags.device and "-D__CUDA_NO_HALF_CONVERSIONS__" in flags.device
    for field, flag in (("cuda_cflags", "-gencode=arch=compute_80,code=sm_80"), ("cuda_cflags", "-rdc=true"), ("cuda_cflags", "-std=c++20"),
                        ("cflags", "-march=native"), ("cflags", "-ffast-math"), ("ldflags", "-static")):  # fmt: skip
        with pytest.raises(NotSplit):
            Flags({**data, field: [flag]}, "90")


def test_names_of_symbols():
    name = without_parameters(readable("_ZN2ns1kIfLi4EEEvPKT_i"))
    assert name == "ns::k<float, 4>" and without_arguments(name) == "ns::k"
    assert without_parameters(readable("plain_c")) == "plain_c"
