# SPDX-License-Identifier: Apache-2.0
"""Compiles a Triton kernel ahead of time, for our own C++ to launch; what needs Python to launch it is left to the Python
runner, with the reason. No driver is touched. The submission is executed, and Triton run over it, in a child: what
comes from there is PTX and a plan of the launch (triton_assemble.py).
"""

import contextlib
import io
import re
import tempfile

from assay_runner import loader, submitted_child, triton_assemble, triton_environment, triton_kernels
from assay_runner.compiled import Compiled
from assay_runner.errors import CONTRACT, EXCEPTION, Fault, fault_from, shortened
from assay_runner.values import DTYPES

# What a source's top level raises where it asks torch or Triton for a GPU.
GPU_WORDS = (
    "no CUDA GPUs are available",
    "No CUDA GPUs are available",
    "Found no NVIDIA driver",
    "no CUDA-capable device",
    "Cannot re-initialize CUDA in forked subprocess",
    "not compiled with CUDA enabled",
    "CUDA driver",
    "CUDA error",
)
FLOATING_TYPES = ("fp16", "bf16", "fp32", "fp64")
TRANSLATION_SECONDS = 600.0  # the front ends a compiler much sooner
MAX_PLAN_BYTES = 64 << 20
MAX_NAME_CHARACTERS, MAX_REASON_CHARACTERS = 200, 1000
HOST_BINARY = b"triton"  # an artifact is never empty; the Python runner compiles for itself


class NeedsPython(Exception):
    """The kernel can be launched, but not by our own C++."""


def compile_kernel(kernel, request, tell=None):
    """A Compiled of tier "device", or of tier "host" with `tier_reason`. Faults: what the source or the contract lacks."""
    import triton

    architecture = _architecture(request)
    contract, metadata = kernel.get("io"), kernel.get("metadata") or {}
    triton_kernels.demand_contract(contract, metadata)
    tool = f"triton {triton.__version__}"
    with tempfile.TemporaryDirectory(prefix="source-", ignore_cleanup_errors=True) as folder:
        with submitted_child.running(lambda writer: _run(kernel, architecture, writer), folder) as messages:
            told = next(messages.read(TRANSLATION_SECONDS, MAX_PLAN_BYTES), None)
    if told is None:
        raise Fault(EXCEPTION, "the source ended the process that compiles it")
    fault = submitted_child.fault_of(told.get("fault"))
    if fault is not None:
        raise fault
    if "needs_python" in told:
        name, reason = told.get("name"), told["needs_python"]
        if not (isinstance(name, str) and isinstance(reason, str)):
            raise submitted_child.misled()
        return Compiled(tool, "host", name[:MAX_NAME_CHARACTERS], {"tier_reason": shortened(reason, MAX_REASON_CHARACTERS)}, HOST_BINARY)
    if contract is None:
        raise submitted_child.misled()
    return triton_assemble.assembled(told, contract, architecture, tool)


def _run(kernel, architecture, writer):
    """The child's life: it writes a fault, why Python must launch the kernel, or the plan."""
    name = (kernel.get("metadata") or {}).get("kernel_name") or "triton"
    try:
        triton_environment.for_compiler(architecture)
        contract, metadata = kernel.get("io"), kernel.get("metadata") or {}
        module = _executed(kernel.get("source_code", ""))
        chosen = triton_kernels.choose(module, metadata, contract)
        name = chosen.name
        if chosen.python is not None:
            raise NeedsPython(chosen.why)
        message = _translated(module, chosen, contract, architecture)
    except NeedsPython as reason:
        message = {"name": name, "needs_python": str(reason)}
    except BaseException as exception:
        message = {"fault": submitted_child.told(fault_from(exception))}
    writer.write(message)


def specialized(function, values, options, architecture):
    """(options, signature, constexprs, attributes) as Triton's JIT chooses them for a call with these arguments.

    function: a JITFunction; values: parameter name -> a number, a string, None or a tensor (pointers are divisible by 16:
    the judge aligns every tensor to more).
    """
    from triton.backends.compiler import GPUTarget
    from triton.compiler.compiler import make_backend
    from triton.runtime.jit import create_function_from_signature

    backend = make_backend(GPUTarget("cuda", architecture, triton_environment.WARP_SIZE))
    binder = create_function_from_signature(function.signature, function.params, backend)
    keywords = {"debug": bool(function.debug), **options, **values}
    bound, specialization, others = binder(**keywords)
    return function._pack_args(backend, keywords, bound, specialization, others)


def _architecture(request):
    found = re.fullmatch(r"sm_(\d+)[af]?", request.get("architecture", ""))
    if found is None:
        raise Fault(CONTRACT, f"unknown architecture {request.get('architecture')!r:.80}")
    return int(found.group(1))


def _executed(source):
    try:
        return loader.execute(source)
    except Fault as fault:
        if any(word in fault.message for word in GPU_WORDS):
            raise NeedsPython(f"the source's top level asks for a GPU ({fault.message:.200})") from None
        raise


def _translated(module, chosen, contract, architecture):
    """The plan that triton_assemble reads."""
    kernel, name = chosen.kernel, chosen.name
    arguments = triton_kernels.bind(kernel, contract, name)
    triton_kernels.demand_grid(module, contract, name)
    _demand_plain(module, kernel, contract)
    values = {parameter: _value(contract["args"][at]) for parameter, at in arguments.positions.items()}
    try:
        options, signature, constants, attributes = specialized(kernel, values, arguments.options, architecture)
    except BaseException as exception:
        fault = fault_from(exception)
        raise Fault(CONTRACT, f"the kernel '{name}' cannot be called as the contract says: {fault.message}") from None
    _demand_plain_parameters(signature, arguments.positions, contract["args"])
    compiled, said = _compiled(kernel, signature, constants, attributes, options, architecture)
    made = compiled.metadata
    for what, extra in (("a cluster of CTAs", made.num_ctas != 1), ("a cooperative launch", made.launch_cooperative_grid),
                        ("a programmatic dependent launch", made.launch_pdl)):  # fmt: skip
        if extra:
            raise NeedsPython(f"'{name}' needs {what}")
    scratch = [[made.global_scratch_size, made.global_scratch_align], [made.profile_scratch_size, made.profile_scratch_align]]
    return {
        "name": made.name,
        "ptx": compiled.asm["ptx"],
        "parameters": [arguments.positions[key] for key, type_ in signature.items() if type_ != "constexpr"],
        "warps": made.num_warps,
        "shared": made.shared,
        "scratch": scratch,
        "fuse": bool(options.enable_fp_fusion),
        "said": said,
    }


def _demand_plain(module, kernel, contract):
    """What only Python can launch."""
    above = triton_kernels.decorators(kernel)
    if above:
        raise NeedsPython("the kernel is decorated with " + ", ".join(f"@triton.{name}" for name in above))
    if kernel.is_gluon():
        raise NeedsPython("the kernel is written in Gluon")
    if kernel.pre_run_hooks:
        raise NeedsPython("the kernel has hooks that run before it")
    if triton_kernels.grid_of(contract) is None:
        raise NeedsPython("its grid is a Python function")


def _value(argument):
    """A stand-in for the argument that Triton's binder reads as it would read the real one."""
    from triton.runtime.jit import MockTensor

    if argument.get("type", "tensor") == "tensor":
        return MockTensor(DTYPES[argument["tensor_spec"].get("dtype", "float32")])
    value = argument.get("value")
    return float(value) if argument["type"] == "float" and value is not None else value


def _demand_plain_parameters(signature, positions, arguments):
    """Our C++ passes tensors and the contract's scalars as they are, and converts nothing."""
    for parameter, type_ in signature.items():
        if type_ == "constexpr":
            continue
        if parameter not in positions:
            raise NeedsPython(f"the parameter '{parameter}' has a default value that the contract does not give")
        given = arguments[positions[parameter]].get("type", "tensor")
        if type_ in ("fp16", "bf16"):
            raise NeedsPython(f"the parameter '{parameter}' is a scalar of type {type_}")
        if (given == "float") != (type_ in FLOATING_TYPES):
            raise NeedsPython(f"the contract's {given} '{parameter}' becomes {type_}")
        if given == "tensor" and not type_.startswith("*"):
            raise NeedsPython(f"the contract's tensor '{parameter}' becomes {type_}")


def _compiled(kernel, signature, constants, attributes, options, architecture):
    """(CompiledKernel without a cubin, everything that was printed meanwhile)."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.backends.nvidia.compiler import CUDABackend
    from triton.compiler import ASTSource

    CUDABackend.make_cubin = lambda *_: b""  # ptxas runs where nothing submitted does
    source = ASTSource(kernel, signature, constants, attributes)
    target = GPUTarget("cuda", architecture, triton_environment.WARP_SIZE)
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            return triton.compile(source, target=target, options=options.__dict__), said.getvalue()
    except BaseException as exception:
        raise _compile_fault(exception) from None


def _compile_fault(exception):
    """Triton's own words with the line of the submission, the innermost cause first."""
    from triton.compiler.errors import CompilationError

    innermost, cause = None, exception
    while cause is not None:
        innermost = cause if isinstance(cause, CompilationError) else innermost
        cause = cause.__cause__
    if innermost is None:
        return fault_from(exception, EXCEPTION)
    text = str(innermost)
    line = _line_of(innermost)
    kind = type(innermost).__name__
    return Fault(EXCEPTION, f"{kind} in line {line} of the submission:\n{text}" if line else f"{kind}: {text}", kind)


def _line_of(error):
    import linecache

    from assay_runner.errors import SUBMISSION_FILE

    if error.src is None or error.node is None or not hasattr(error.node, "lineno"):
        return None
    before, found, _ = "".join(linecache.getlines(SUBMISSION_FILE)).partition(error.src.strip())
    return before.count("\n") + error.node.lineno if found else None
