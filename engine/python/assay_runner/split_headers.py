# SPDX-License-Identifier: Apache-2.0
"""What becomes of every #include of a CUDA source in its two units."""

from assay_runner.split_tokens import IDENTIFIER, PREPROCESSOR, NotSplit

# Of includes, by how their names begin. A header on neither list is NotSplit.
HOST_HEADERS = ("torch/", "ATen/", "c10/", "pybind11/", "cuda.h", "cuda_runtime", "device_launch_parameters.h",
                "driver_types.h", "vector_types.h", "cublas", "cudnn", "cusparse", "cusolver", "cufft", "curand.h",
                "nvtx3/")  # fmt: skip
STANDARD_HEADERS = frozenset((
    "algorithm array atomic cassert cerrno cfloat chrono cinttypes climits cmath cstddef cstdint cstdio cstdlib cstring ctime "
    "exception functional initializer_list iomanip iostream iterator limits list map memory mutex numeric optional random set "
    "sstream stdexcept string string_view thread tuple type_traits unordered_map unordered_set utility vector stdio.h stdlib.h "
    "stdint.h string.h math.h float.h limits.h assert.h stddef.h stdbool.h time.h bit deque queue stack complex").split())  # fmt: skip
DEVICE_HEADERS = ("cuda_fp16.h", "cuda_fp16.hpp", "cuda_bf16.h", "cuda_fp8.h", "mma.h", "cooperative_groups.h",
                  "cooperative_groups/", "math_constants.h", "cuda_pipeline.h", "cuda_pipeline_primitives.h",
                  "cuda_awbarrier.h", "sm_", "cub/", "vector_functions.h", "curand_kernel.h")  # fmt: skip
# What g++ has of the device's headers; the others it need not see while no host code names what is in them.
ON_THE_HOST_TOO = ("cuda_fp16.h", "cuda_bf16.h", "cuda_fp8.h", "math_constants.h", "vector_functions.h")
DEVICE_NAMESPACES = ("cub", "nvcuda", "cooperative_groups", "thrust")
# Headers that stock's g++ sees through a header of CUDA where NVRTC has CUB's own parts.
CUB_PARTS = {
    "BlockReduce": "block/block_reduce.cuh", "BlockScan": "block/block_scan.cuh", "BlockLoad": "block/block_load.cuh",
    "BlockStore": "block/block_store.cuh", "BlockRadixSort": "block/block_radix_sort.cuh",
    "BlockHistogram": "block/block_histogram.cuh", "BlockExchange": "block/block_exchange.cuh",
    "BlockDiscontinuity": "block/block_discontinuity.cuh", "BlockMergeSort": "block/block_merge_sort.cuh",
    "BlockShuffle": "block/block_shuffle.cuh", "WarpReduce": "warp/warp_reduce.cuh", "WarpScan": "warp/warp_scan.cuh",
    "WarpMergeSort": "warp/warp_merge_sort.cuh", "WarpExchange": "warp/warp_exchange.cuh",
    "WarpLoad": "warp/warp_load.cuh", "WarpStore": "warp/warp_store.cuh", "Sum": "thread/thread_operators.cuh",
    "Max": "thread/thread_operators.cuh", "Min": "thread/thread_operators.cuh",
}  # fmt: skip


class Headers:
    """What becomes of every #include: {token index: (text for g++, text for NVRTC)}."""

    def __init__(self, source):
        self.of = {}
        words = {t.text for t in source.tokens if t.kind == IDENTIFIER}
        for index, token in enumerate(source.tokens):
            if token.kind != PREPROCESSOR:
                continue
            name = included(token.text)
            if name is not None:
                self.of[index] = self._sides(name, token.text, words)

    def _sides(self, name, text, words):
        if name.startswith("pybind11/") and name not in ("pybind11/pybind11.h", "pybind11/stl.h"):
            raise NotSplit(f"the header {name}")
        if name in ("torch/extension.h", "torch/types.h", "torch/all.h", "torch/torch.h", "ATen/ATen.h", "pybind11/pybind11.h",
                    "pybind11/stl.h", "torch/csrc/utils/pybind.h", "torch/python.h"):  # fmt: skip
            return "", ""  # the prefix has them
        if name.startswith(HOST_HEADERS):
            return text, ""
        if name in STANDARD_HEADERS:
            return text, ""
        if name.startswith(DEVICE_HEADERS):
            host = text if name in ON_THE_HOST_TOO else ""
            if name.startswith("cub/"):
                parts = sorted({part for word, part in CUB_PARTS.items() if word in words})
                return host, "".join(f"#include <cub/{part}>\n" for part in parts)
            return host, text
        raise NotSplit(f"the header {name}")


def included(text):
    words = text[text.index("#") + 1 :].split(None, 1)
    if not words or not words[0].startswith("include"):
        return None
    rest = text[text.index("include") + len("include") :].strip()
    closing = {"<": ">", '"': '"'}.get(rest[:1])
    if closing is None or rest.find(closing, 1) < 0:
        raise NotSplit("an #include of a macro")
    return rest[1 : rest.find(closing, 1)]
