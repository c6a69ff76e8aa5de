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
    wrong = {
        "one element short": HEAD + one(kernel=KERNEL.replace("i < n", "i + 1 < n")) + f"ext = {build}\n" + model(call),
        "nearly two": HEAD + one() + f"ext = {build}\n" + model(call.replace("2.0", "2.001")),
    }
    found = {name: (source, "correct") for name, source in right.items()}
    found.update({name: (source, "incorrect") for name, source in wrong.items()})
    found["does not compile"] = (right["one call"].replace("c[i] =", "d[i] ="), "compilation_failed")
    return found


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
