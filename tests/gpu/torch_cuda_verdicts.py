# SPDX-License-Identifier: Apache-2.0
"""torch_cuda kernels in several styles on a GPU: each verdict, how it was compiled and how long each stage took."""

import json
import sys

from assay_process import Assay, example, kernel

SECONDS = 170
HEAD = "import torch\nimport torch.nn as nn\nfrom torch.utils.cpp_extension import load_inline\n"
REFERENCE = """
import torch
import torch.nn as nn

class Model(nn.Module):
    def forward(self, a, b):
        return a * 2 + b
def get_inputs():
    return [torch.randn(1000, 1000), torch.randn(1000, 1000)]
def get_init_inputs():
    return []
"""
KERNEL = r"""
#include <ATen/cuda/CUDAContext.h>
template <typename T>
__global__ void NAME_kernel(const T* a, const T* b, T* c, T factor, int64_t n) {
  int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (i < n) c[i] = a[i] * factor + b[i];
}
torch::Tensor NAME(torch::Tensor a, torch::Tensor b, double factor) {
  TORCH_CHECK(a.is_cuda() && a.is_contiguous() && b.is_contiguous(), "contiguous tensors on a GPU");
  auto c = torch::empty_like(a);
  const int64_t n = a.numel();
  AT_DISPATCH_FLOATING_TYPES_AND_HALF(a.scalar_type(), "NAME", [&] {
    NAME_kernel<scalar_t><<<(n + 255) / 256, 256, 0, at::cuda::getCurrentCUDAStream()>>>(
        a.data_ptr<scalar_t>(), b.data_ptr<scalar_t>(), c.data_ptr<scalar_t>(), static_cast<scalar_t>(factor), n);
  });
  return c;
}
"""
DECLARATION = "torch::Tensor NAME(torch::Tensor a, torch::Tensor b, double factor);"
MODEL = """
class ModelNew(nn.Module):
    def forward(self, a, b):
        return CALL
"""
PLAIN_LAUNCH = r"""
__global__ void scale_add(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] * 2 + b[i];
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::zeros({a.size(0), a.size(1)}, a.options());
  int n = a.numel();
  scale_add<<<(n + 127) / 128, 128>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n);
  return c;
}
"""
BINDING = 'PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("run", &run, "a * 2 + b", py::arg("a"), py::arg("b")); }'


def model(call):
    return MODEL.replace("CALL", call)


def strings(**named):
    return "".join(f"{name} = r'''{text}'''\n" for name, text in named.items())


def one(name="muladd", kernel=KERNEL):
    return strings(cuda=kernel.replace("NAME", name), cpp=DECLARATION.replace("NAME", name))


def sources():
    """name -> (source, verdict)"""
    build = "load_inline(name='muladd', cpp_sources=cpp, cuda_sources=cuda, functions=['muladd'])"
    call = "ext.muladd(a, b, 2.0)"
    late = ("_ext = None\ndef extension():\n    global _ext\n    if _ext is None:\n"
            f"        _ext = {build}\n    return _ext\n")
    files = """
import os, tempfile
from torch.utils.cpp_extension import load
folder = tempfile.mkdtemp()
paths = []
for name, text in (("binding.cpp", cpp), ("kernels.cu", cuda)):
    paths.append(os.path.join(folder, name))
    with open(paths[-1], "w") as file:
        file.write("#include <torch/extension.h>\\n" + text)
ext = load(name="from_files", sources=paths, extra_cuda_cflags=["-O3"])
"""
    blas = strings(cpp="torch::Tensor product(torch::Tensor a, torch::Tensor b);", cuda=r"""
#include <ATen/cuda/CUDAContext.h>
#include <cublas_v2.h>
torch::Tensor product(torch::Tensor a, torch::Tensor b) {
  auto c = b.clone();
  auto handle = at::cuda::getCurrentCUDABlasHandle();
  const float two = 2;
  TORCH_CHECK(cublasSaxpy(handle, a.numel(), &two, a.data_ptr<float>(), 1, c.data_ptr<float>(), 1) ==
              CUBLAS_STATUS_SUCCESS);
  return c;
}
""")
    right = {
        "one call": HEAD + one() + f"ext = {build}\n" + model(call),
        "in the constructor": HEAD + one() + "class ModelNew(nn.Module):\n    def __init__(self):\n"
                              f"        super().__init__()\n        self.ext = {build}\n"
                              f"    def forward(self, a, b):\n        return self.{call}\n",
        "at the first call": HEAD + one() + late + model(call.replace("ext", "extension()")),
        "of an input's shape": HEAD + strings(cuda=KERNEL.replace("NAME", "muladd"), cpp=DECLARATION.replace("NAME", "muladd"))
                               + "class ModelNew(nn.Module):\n    def forward(self, a, b):\n"
                               "        text = cuda + '// %d rows' % a.shape[0]\n"
                               f"        return {build.replace('cuda_sources=cuda', 'cuda_sources=text')}.muladd(a, b, 2.0)\n",
        "several calls": HEAD + one("first") + "ext1 = load_inline('ext1', cpp, cuda, functions=['first'])\n"
                         + one("second") + "ext2 = load_inline('ext2', [cpp], [cuda], functions={'second': 'x'})\n"
                         + model("ext2.second(a, ext1.first(a, b, 1.0), 1.0)"),
        "hand-written binding in C++": HEAD + strings(cuda=PLAIN_LAUNCH, cpp="torch::Tensor run(torch::Tensor a, torch::Tensor b);\n" + BINDING)
                                       + "ext = load_inline('bound', cpp, cuda)\n" + model("ext.run(a=a, b=b)"),
        "hand-written binding in CUDA": HEAD + strings(cuda="#include <torch/extension.h>\n" + PLAIN_LAUNCH + BINDING)
                                        + "ext = load_inline('bound', '', cuda, with_cuda=True)\n" + model("ext.run(a, b)"),
        "load of files": HEAD + strings(cuda=KERNEL.replace("NAME", "muladd"),
                                        cpp=DECLARATION.replace("NAME", "muladd")
                                        + '\nPYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("muladd", &muladd); }')
                         + files + model(call),
        "cuBLAS": HEAD + blas + "ext = load_inline('blas', cpp, cuda, functions=['product'], extra_ldflags=['-lcublas'])\n"
                  + model("ext.product(a, b)"),
        "C++ only": HEAD + strings(cpp="torch::Tensor f(torch::Tensor a, torch::Tensor b) { return a * 2 + b; }")
                    + "ext = load_inline('host', cpp, functions='f')\n" + model("ext.f(a, b)"),
        "more than the slim headers": HEAD + strings(cuda=PLAIN_LAUNCH + "torch::Tensor two() { return torch::tensor({2.0f}); }\n",
                                                      cpp="torch::Tensor run(torch::Tensor a, torch::Tensor b);")
                                      + "ext = load_inline('stock', cpp, cuda, functions=['run'])\n" + model("ext.run(a, b)"),
    }  # fmt: skip
    right.update(only_a_gpu_shows())
    wrong = {
        "one element short": HEAD + one(kernel=KERNEL.replace("i < n", "i + 1 < n")) + f"ext = {build}\n" + model(call),
        "nearly two": HEAD + one() + f"ext = {build}\n" + model(call.replace("2.0", "2.001")),
    }
    found = {name: (source, "correct") for name, source in right.items()}
    found.update({name: (source, "incorrect") for name, source in wrong.items()})
    found["does not compile"] = (right["one call"].replace("c[i] =", "d[i] ="), "compilation_failed")
    return found


def written(cuda, cpp="torch::Tensor run(torch::Tensor a, torch::Tensor b);", extra=""):
    return HEAD + strings(cuda=cuda, cpp=cpp) + f"ext = load_inline('written', cpp, cuda, functions=['run']{extra})\n" + model("ext.run(a, b)")


def only_a_gpu_shows():
    """name -> source: launches in all forms, variables of the device, attributes of kernels, errors. All are a * 2 + b."""
    head = "#include <torch/extension.h>\n#include <ATen/cuda/CUDAContext.h>\n"
    deduced = head + r"""
namespace { template <typename T> __device__ __forceinline__ T twice(T x) { return x + x; } }
template <typename T> static __global__ void k(const T* a, const T* b, T* c, int64_t n) {
  for (int64_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) c[i] = twice(a[i]) + b[i];
}
#define LAUNCH(...) k<<<__VA_ARGS__>>>(a.data_ptr<scalar_t>(), b.data_ptr<scalar_t>(), c.data_ptr<scalar_t>(), a.numel())
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::empty_like(a);
  AT_DISPATCH_FLOATING_TYPES_AND2(at::kHalf, at::kBFloat16, a.scalar_type(), "run", [&] { LAUNCH(32, 128); });
  return c;
}
"""
    variables = head + r"""
__constant__ float factors[2];
static __device__ float offset = 7;
__device__ int calls = 0;
__global__ void k(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] * factors[0] + b[i] * factors[1] + offset;
  if (i == 0) calls = 1;
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::empty_like(a);
  const float values[2] = {2, 1}, zero = 0;
  auto stream = at::cuda::getCurrentCUDAStream();
  C10_CUDA_CHECK(cudaMemcpyToSymbolAsync(factors, values, sizeof(values), 0, cudaMemcpyHostToDevice, stream));
  C10_CUDA_CHECK(cudaMemcpyToSymbolAsync(offset, &zero, sizeof(zero), 0, cudaMemcpyHostToDevice, stream));
  k<<<(a.numel() + 255) / 256, 256, 0, stream>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), a.numel());
  void* place = nullptr;
  size_t bytes = 0;
  C10_CUDA_CHECK(cudaGetSymbolAddress(&place, calls));
  C10_CUDA_CHECK(cudaGetSymbolSize(&bytes, factors));
  TORCH_CHECK(place != nullptr && bytes == sizeof(values));
  return c;
}
"""
    attributes = head + r"""
template <int THREADS> __global__ void __launch_bounds__(THREADS) k(const float* a, const float* b, float* c, int n) {
  extern __shared__ float tile[];
  int i = blockIdx.x * THREADS + threadIdx.x;
  tile[threadIdx.x + 16000] = i < n ? a[i] * 2 : 0;
  __syncthreads();
  if (i < n) c[i] = tile[threadIdx.x + 16000] + b[i];
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::empty_like(a);
  const int bytes = 68 * 1024, n = a.numel();
  C10_CUDA_CHECK(cudaFuncSetAttribute(k<256>, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
  cudaFuncAttributes told{};
  C10_CUDA_CHECK(cudaFuncGetAttributes(&told, k<256>));
  TORCH_CHECK(told.maxDynamicSharedSizeBytes == bytes && told.maxThreadsPerBlock == 256);
  int blocks = 0;
  C10_CUDA_CHECK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, k<256>, 256, bytes));
  TORCH_CHECK(blocks > 0);
  auto kernel = &k<256>;
  kernel<<<(n + 255) / 256, 256, bytes, at::cuda::getCurrentCUDAStream()>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return c;
}
"""
    cooperative = head + r"""
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
__global__ void k(const float* a, const float* b, float* c, int n) {
  const int step = gridDim.x * blockDim.x, first = blockIdx.x * blockDim.x + threadIdx.x;
  for (int i = first; i < n; i += step) c[n - 1 - i] = a[n - 1 - i] * 2;
  cg::this_grid().sync();
  for (int i = first; i < n; i += step) c[i] += b[i];
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::empty_like(a);
  const float *x = a.data_ptr<float>(), *y = b.data_ptr<float>();
  float* z = c.data_ptr<float>();
  int n = a.numel();
  void* arguments[] = {&x, &y, &z, &n};
  C10_CUDA_CHECK(cudaLaunchCooperativeKernel((void*)k, dim3(64), dim3(256), arguments, 0, at::cuda::getCurrentCUDAStream()));
  return c;
}
"""
    errors = head + r"""
__global__ void k(const float* a, const float* b, float* c, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = a[i] * 2 + b[i];
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::empty_like(a);
  auto stream = at::cuda::getCurrentCUDAStream();
  const int n = a.numel();
  k<<<1, 2048, 0, stream>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n);
  const cudaError_t seen = cudaPeekAtLastError();
  TORCH_CHECK(seen != cudaSuccess, "a launch of 2048 threads is no error");
  TORCH_CHECK(cudaGetLastError() == seen && cudaGetLastError() == cudaSuccess, "not reset: ", cudaGetErrorName(seen));
  k<<<(n + 1023) / 1024, 1024, 0, stream>>>(a.data_ptr<float>(), b.data_ptr<float>(), c.data_ptr<float>(), n);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
  return c;
}
"""
    overloads = head + r"""
struct Pair { const float* a; const float* b; };
namespace ours {
__global__ void k(Pair p, float* c, int n) { int i = blockIdx.x * blockDim.x + threadIdx.x; if (i < n) c[i] = p.a[i]; }
template <typename T> __global__ void k(T* c, const float* b, T factor, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) c[i] = c[i] * factor + b[i];
}
}
torch::Tensor run(torch::Tensor a, torch::Tensor b) {
  auto c = torch::empty_like(a);
  Pair p{a.data_ptr<float>(), b.data_ptr<float>()};
  const int n = a.numel();
  auto stream = c10::cuda::getCurrentCUDAStream();
  ours::k<<<dim3((n + 127) / 128), dim3(128, 1, 1), 0, stream>>>(p, c.data_ptr<float>(), n);
  ours::k<<<(n + 127) / 128, 128, 0, stream>>>(c.data_ptr<float>(), p.b, 2.0f, n);
  return c;
}
"""
    return {
        "deduced template arguments": written(deduced, extra=", extra_cuda_cflags=['-O3', '--use_fast_math']"),
        "variables of the device": written(variables), "attributes of kernels": written(attributes),
        "cooperative launch": written(cooperative), "errors of launches": written(errors), "overloads": written(overloads),
    }  # fmt: skip


def requests():
    for name in ("extension_right", "extension_wrong"):
        _, arguments = example(name)
        both = arguments["ref_kernel_source"], arguments["custom_kernel_source"]
        yield name, both, "correct" if name.endswith("right") else "incorrect"
    for name, (source, verdict) in sources().items():
        yield name, (REFERENCE, source), verdict


def check(answer, verdict):
    assert answer["verdict"]["code"] == verdict, json.dumps(answer)[:3000]
    if verdict == "compilation_failed":
        assert answer["kernel_exec_result"]["compilation_error"].startswith("cuda"), answer["kernel_exec_result"]
    if verdict == "correct":
        assert answer["timing"]["candidate"], answer["timing"]["unavailable_reason"]
        assert answer["checks"]["calls_failed"] == 0


def main():
    failed = count = 0
    with Assay() as server:
        assert server.await_healthy()["gpu_available"]
        for name, (reference, source), verdict in requests():
            count += 1
            # REST waits for the verdict; MCP would hand out a job after 45 s.
            answer = server.post("/compare", {"ref_kernel": kernel(reference), "timeout": SECONDS,
                                              "custom_kernel": kernel(source, "torch_cuda")}).body  # fmt: skip
            try:
                for report in answer["compile"]:
                    stages = ", ".join(f"{stage['name']} {stage['seconds']:.1f}" for stage in report["stages"])
                    print(f"{name}: {report['way']}, {report['seconds']:.1f} s ({stages})")
                print(f"{name}: {answer['verdict']['summary']}")
                check(answer, verdict)
            except (AssertionError, KeyError) as error:
                failed += 1
                print(f"FAILED {name}: wanted {verdict}: {error!r}"[:4000])
    print(f"{count - failed} of {count} verdicts as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
