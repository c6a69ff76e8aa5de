// SPDX-License-Identifier: Apache-2.0
#include "mcp/io_contract_guide.h"

namespace assay::mcp {

const std::string& io_contract_guide() {
  static const std::string text = R"guide(# IO contracts

A contract says what a kernel is called with: `{"args": [...], "launch": {...}}`, arguments in the order of the kernel's parameters.

- Required for `triton`, `cuda` and `multi_kernel`. `torch` and `torch_cuda` may define `get_inputs()` and `get_init_inputs()` instead.
- In `compare_kernels` the inputs are the reference's (its contract, else its `get_inputs()`). The candidate's input and inout tensors bind to them in order; its outputs pair in order with what the reference returns. The candidate's own contract adds its scalars, meta parameters and launch.

## An argument

| field | meaning |
|---|---|
| `name` | the parameter's name; for Triton it must be the parameter's own |
| `type` | `tensor`, `int`, `float`, `bool`, `str` |
| `role` | `input` (default), `output` (poisoned before every call, must be written whole), `inout` (restored before every call) |
| `value` | of a scalar |
| `is_meta` | `true`: a Triton constexpr |
| `tensor_spec` | `{"shape": [..], "dtype": "float32", "init": {..}}` |

dtypes: float64 float32 float16 bfloat16 int64 int32 int8 uint8 bool. `init` (inputs): `{"kind": "randn", "seed": 1}` with `mean`, `std`; `uniform` with `low`, `high`; `zeros`; `ones`; `full` with `fill_value`; `arange` with `start`, `step`. Values of a seed are torch's. Own values: `"data": {"data_b64": .., "compress": "none" | "zlib", "shape": .., "dtype": ..}`, little-endian.

A `multi_kernel` entry point writes its outputs or returns them: without an `output` or `inout` argument, what it returns are the outputs; with them, a returned tensor (or tuple) of just their shapes and dtypes is used, anything else is ignored.

`launch`: `{"grid": {"x": .., "y": .., "z": ..}, "block": {"x": ..}}` for cuda, `{"grid": {..}, "num_warps": 4, "num_stages": 2}` for triton.

## cuda against a torch reference (compare_kernels)

```json
{
  "ref_kernel_source": "import torch\ndef add(a, b):\n    return a + b\n",
  "ref_kernel_metadata": {"function_name": "add"},
  "ref_kernel_io": {"args": [
    {"name": "a", "type": "tensor", "tensor_spec": {"shape": [4096], "init": {"kind": "randn", "seed": 1}}},
    {"name": "b", "type": "tensor", "tensor_spec": {"shape": [4096], "init": {"kind": "randn", "seed": 2}}}
  ]},
  "custom_kernel_type": "cuda",
  "custom_kernel_source": "extern \"C\" __global__ void add(const float* a, const float* b, float* out, int n) {\n  int i = blockIdx.x * blockDim.x + threadIdx.x;\n  if (i < n) out[i] = a[i] + b[i];\n}\n",
  "custom_kernel_io": {"args": [
    {"name": "a", "type": "tensor", "tensor_spec": {"shape": [4096]}},
    {"name": "b", "type": "tensor", "tensor_spec": {"shape": [4096]}},
    {"name": "out", "type": "tensor", "role": "output", "tensor_spec": {"shape": [4096]}},
    {"name": "n", "type": "int", "value": 4096}
  ], "launch": {"grid": {"x": 16}, "block": {"x": 256}}}
}
```

## triton

```json
{
  "kernel_type": "triton",
  "kernel_source": "import triton\nimport triton.language as tl\n@triton.jit\ndef double(x, out, n, BLOCK: tl.constexpr):\n    at = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)\n    tl.store(out + at, 2 * tl.load(x + at, mask=at < n), mask=at < n)\n",
  "io_contract": {"args": [
    {"name": "x", "type": "tensor", "tensor_spec": {"shape": [1000], "init": {"kind": "randn", "seed": 3}}},
    {"name": "out", "type": "tensor", "role": "output", "tensor_spec": {"shape": [1000]}},
    {"name": "n", "type": "int", "value": 1000},
    {"name": "BLOCK", "type": "int", "value": 256, "is_meta": true}
  ], "launch": {"grid": {"x": 4}, "num_warps": 4}},
  "reference_kernel_source": "import torch\ndef double(x):\n    return 2 * x\n",
  "reference_kernel_type": "torch",
  "reference_kernel_metadata": {"function_name": "double"}
}
```

## torch in the form of KernelBench

Needs no contract: `Model`, `get_inputs()` and `get_init_inputs()` in the reference, `ModelNew` (or `Model`) in the candidate. The answer returns the contract that was made of them, for reuse.

## What goes wrong most

- An output that is not written whole: poison is found at the first element that was left.
- More kernel parameters than arguments, or scalars of another size: the launch is refused with both counts.
- A grid that covers only multiples of the block: check the last elements.
- `float32` where the kernel wants `float16`: a dtype mismatch names both.
)guide";
  return text;
}

}  // namespace assay::mcp
