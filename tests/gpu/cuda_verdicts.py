# SPDX-License-Identifier: Apache-2.0
"""Comparisons of cuda kernels with torch on a GPU, by NVRTC and by nvcc: each verdict, and figures that can be true."""

import json
import sys

from assay_process import Assay, example

# A copy of 12 MiB cannot be faster than the fastest memory there is.
LEAST_VECTOR_ADD_MS = 12.6e6 / 10e12 * 1e3
EXPECTED = {
    "vector_add_right": "correct", "vector_add_wrong": "incorrect",
    "matmul_right": "correct", "matmul_wrong": "incorrect",
    "softmax_right": "correct", "softmax_wrong": "incorrect", "linear_gelu": "correct",
}

ELEMENTS = 32 * 24576
TILE_BYTES = 24576 * 4  # of dynamic shared memory: above 48 KiB
REFERENCE = f"import torch\n\ndef f(x):\n    return FORMULA\n\ndef get_inputs():\n    return [torch.randn({ELEMENTS})]\n"
AFFINE = "x * 2 + 1"
PLAIN = r"""
__global__ void decoy(const float* x, float* y, int n) { y[0] = 0; }
extern "C" __global__ void affine(const float* x, float* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * FACTOR + 1;
}
"""
TEMPLATE = r"""
#include <cub/block/block_load.cuh>
namespace mine {
template <typename T, int Factor = 2>
__global__ void affine(const T* x, T* y, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] * T(Factor) + T(1);
}
}
using Real = float;
"""
SHARED = r"""
__global__ void reversed(const float* x, float* y) {
  extern __shared__ float tile[];
  const int size = 24576, begin = blockIdx.x * size;
  for (int i = threadIdx.x; i < size; i += blockDim.x) tile[i] = x[begin + i];
  __syncthreads();
  for (int i = threadIdx.x; i < size; i += blockDim.x) y[begin + i] = tile[size - 1 - i];
}
"""
SCALARS = r"""
__global__ void scalars(const float* x, float* y, int n, long long big, short small, unsigned char byte, signed char tiny,
                        unsigned int wide, unsigned long long huge, bool flag, float single, double twice) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= n) return;
  const bool right = big == -5000000000LL && small == -3 && byte == 200 && tiny == -100 && wide == 4000000000u &&
                     huge == 9000000000ULL && flag && single == 0.5f && twice == 0.1;
  y[i] = right ? x[i] : x[i] + 1;
}
"""
SCALAR_ARGUMENTS = [
    ("n", "int", ELEMENTS), ("big", "int", -5000000000), ("small", "int", -3), ("byte", "int", 200), ("tiny", "int", -100),
    ("wide", "int", 4000000000), ("huge", "int", 9000000000), ("flag", "bool", True), ("single", "float", 0.5),
    ("twice", "float", 0.1),
]  # fmt: skip
SIZE = [("n", "int", ELEMENTS)]


class Case:
    """A cuda kernel of one input and one output tensor against a formula in x."""

    def __init__(self, source, formula, verdict, scalars=SIZE, grid=ELEMENTS // 256, shared=0, says="", **metadata):
        self.verdict, self.says = verdict, says
        tensor = {"type": "tensor", "tensor_spec": {"shape": [ELEMENTS]}}
        arguments = [{"name": "x", **tensor}, {"name": "y", "role": "output", **tensor}]
        arguments += [{"name": name, "type": kind, "value": value} for name, kind, value in scalars]
        launch = {"grid": {"x": grid}, "block": {"x": 256}, "shared_mem": shared}
        self.arguments = {
            "ref_kernel_source": REFERENCE.replace("FORMULA", formula), "ref_kernel_metadata": {"function_name": "f"},
            "custom_kernel_source": source, "custom_kernel_type": "cuda", "custom_kernel_metadata": metadata,
            "custom_kernel_io": {"args": arguments, "launch": launch}, "num_trials": 20, "wait_seconds": 170,
        }  # fmt: skip


def cases():
    """name -> Case, each by both compilers."""
    found = {}
    for backend in ("nvrtc", "nvcc"):
        two = {"backend": backend, "compiler_options": ["-DFACTOR=2", "-O3"]}
        found.update({
            f"{backend}: one of several": Case(PLAIN, AFFINE, "correct", kernel_name="affine", jitify=True, **two),
            f"{backend}: wrong factor": Case(PLAIN, AFFINE, "incorrect", kernel_name="affine", backend=backend,
                                             compiler_options=["-DFACTOR=2.01f"]),
            f"{backend}: forgets the end": Case(PLAIN, AFFINE, "incorrect", [("n", "int", ELEMENTS - 1)],
                                                kernel_name="affine", **two),
            f"{backend}: template": Case(TEMPLATE, AFFINE, "correct", kernel_name="mine::affine<Real>", backend=backend),
            f"{backend}: wrong template": Case(TEMPLATE, AFFINE, "incorrect", kernel_name="mine::affine<float, 3>",
                                               backend=backend),
            f"{backend}: 96 KiB of shared memory": Case(SHARED, "x.view(32, -1).flip(1).reshape(-1)", "correct", (), 32,
                                                        TILE_BYTES, backend=backend),
            f"{backend}: scalars of every type": Case(SCALARS, "x * 1", "correct", SCALAR_ARGUMENTS, backend=backend),
            f"{backend}: a scalar too many": Case(PLAIN, AFFINE, None, [*SIZE, ("m", "int", 1)], kernel_name="affine",
                                                  says="takes 3 parameters, the contract has 4 arguments", **two),
            f"{backend}: a scalar too wide": Case(PLAIN, AFFINE, None, [("n", "int", 1 << 40)], kernel_name="affine",
                                                  says="parameter 2 of the kernel has 4 bytes", **two),
        })
    return found


def check_case(case, answer):
    code = answer["verdict"]["code"]
    assert case.says in json.dumps(answer), answer["summary"]
    if case.verdict is None:
        assert code not in ("correct", "ran_unchecked", "infrastructure_failed"), answer["summary"]
        return
    assert code == case.verdict, answer["summary"]
    report = answer["compile"][0]
    assert report["tool"].startswith(case.arguments["custom_kernel_metadata"]["backend"]), report
    launched = report["kernels"][0]
    assert launched["registers"] > 0 and 0 < launched["occupancy"] <= 1, launched
    if case.arguments["custom_kernel_io"]["launch"]["shared_mem"]:
        assert launched["occupancy_limiter"] == "shared_memory" and launched["shared_dynamic_bytes"] == TILE_BYTES


def check(name, answer):
    code = answer["verdict"]["code"]
    assert code == EXPECTED[name], answer["summary"]
    if "_wrong" in name:
        worst = answer["checks"]["worst"]
        assert worst and (isinstance(worst["error"], str) or worst["error"] > worst["allowed"]), worst
        return
    timing = answer["timing"]
    assert timing["candidate"] and timing["reference"], timing["unavailable_reason"]
    assert timing["candidate"]["method"] == timing["reference"]["method"]
    assert answer["checks"]["calls_checked"] >= 100 and answer["checks"]["calls_failed"] == 0
    if name == "vector_add_right":
        assert timing["candidate"]["stats"]["min"] > LEAST_VECTOR_ADD_MS
        assert timing["candidate"]["stats"]["median"] < 1, "a vector add of 4 MiB arrays takes microseconds"
    if answer["compile"]:
        assert answer["compile"][0]["kernels"][0]["registers"] > 0


def main():
    failed = 0
    with Assay() as server:
        health = server.await_healthy()
        assert health["gpu_available"], health
        print(json.dumps(health["devices"], indent=1))
        for name in EXPECTED:
            message = server.call_tool(*example(name))
            result = message["result"]
            assert not result["isError"], message
            answer = result["structuredContent"]
            print(f"--- {name}\n{answer['summary']}")
            for key in ("candidate", "reference"):
                if answer["timing"][key]:
                    print(f"{key}: {json.dumps(answer['timing'][key])}")
            for other in answer["timing"]["candidate_other"] + answer["timing"]["reference_other"]:
                print(f"beside it: {json.dumps(other)}")
            try:
                check(name, answer)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {name}: {error}\n{json.dumps(answer)[:6000]}")
        extra = cases()
        for name, case in extra.items():
            message = server.call_tool("compare_kernels", case.arguments)
            answer = message.get("result", {}).get("structuredContent", {})
            try:
                assert answer, message
                print(f"--- {name}\n{answer['summary']}")
                check_case(case, answer)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {name}: {error}\n{json.dumps(answer)[:6000]}")
    total = len(EXPECTED) + len(extra)
    print(f"{total - failed} of {total} verdicts as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
