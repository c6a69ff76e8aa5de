# SPDX-License-Identifier: Apache-2.0
"""Executes a submission in a module of its own and finds what is to be called in it."""

import inspect
import sys
import types

import torch

from assay_runner import extensions_runtime
from assay_runner.errors import (
    CONTRACT,
    IMPORT,
    SUBMISSION_FILE,
    SUBMISSION_MODULE,
    SYNTAX,
    Fault,
    fault_from,
    register_source,
)
from assay_runner.seeds import seed_everything

MAX_NAMES_SHOWN = 20
# Types that this runner can call, and whether they are given their output tensors as arguments.
TAKES_OUTPUTS = {"torch": False, "torch_cuda": False, "multi_kernel": True, "triton": True}


class Loaded:
    """A submission that was executed, and, unless it only makes inputs, constructed.

    call        what a pass calls with the arguments
    signature   what the arguments must fit, or None where Python does not know it
    described   names the callable in errors: "Model.forward"
    instance    the object of a class, else None
    interpreted whether Triton's interpreter stands in for a GPU
    """

    def __init__(self, module, kernel_type):
        self.module = module
        self.takes_outputs = TAKES_OUTPUTS[kernel_type]
        self.call = None
        self.signature = None
        self.described = ""
        self.instance = None
        self.interpreted = False

    def check_arguments(self, arguments):
        """A contract Fault where the arguments do not fit the callable's parameters."""
        check_signature(self.signature, arguments, {}, self.described)

    def inputs(self, seed):
        """The list that get_inputs() makes with this seed."""
        return self._made("get_inputs", seed)

    def init_inputs(self, seed):
        """The list that get_init_inputs() makes with this seed; empty where there is none."""
        if self.function("get_init_inputs") is None:
            return []
        return self._made("get_init_inputs", seed)

    def function(self, name):
        found = getattr(self.module, name, None)
        return found if callable(found) else None

    def _made(self, name, seed):
        maker = self.function(name)
        if maker is None:
            raise Fault(CONTRACT, f"{name}() not found in the submission; {defined_names(self.module)}")
        seed_everything(seed)
        try:
            made = maker()
        except BaseException as exception:
            raise fault_from(exception) from None
        return list(made) if isinstance(made, (list, tuple)) else [made]


def load(kernel, role, seed, init_inputs, device, artifact=None):
    """Runs the source; for the roles reference and candidate also constructs.

    kernel: a KernelCode object; init_inputs: values for the constructor, or None for the submission's own;
    device: "cpu" or "cuda:0", where the weights of a module go; artifact: what a compiler made of it, or None.
    """
    from assay_runner import triton_host  # which finds its kernels in what this module executes

    kernel_type = kernel.get("kernel_type")
    if kernel_type not in TAKES_OUTPUTS:
        raise Fault(CONTRACT, f"kernels of type {kernel_type!r:.80} cannot run in the Python runner")
    if artifact is not None and "extensions" in artifact.launch:
        extensions_runtime.install(artifact)
    uses_triton = kernel_type == "triton" or "triton" in kernel.get("source_code", "")
    if uses_triton:
        triton_host.prepare(device, demanded=kernel_type == "triton")
    seed_everything(seed)
    loaded = Loaded(execute(kernel.get("source_code", "")), kernel_type)
    loaded.interpreted = uses_triton and device == "cpu" and triton_host.defines_kernels(loaded.module)
    if role == "inputs":
        return loaded
    metadata = kernel.get("metadata") or {}
    if kernel_type == "triton":

        def construct(chosen, method):
            values = loaded.init_inputs(seed) if init_inputs is None else init_inputs
            _use_class(loaded, chosen, method, values, seed, device)

        triton_host.use(loaded, kernel, role, construct)
    elif kernel_type == "multi_kernel":
        _use_entry_point(loaded, metadata)
    elif kernel_type == "torch" and metadata.get("function_name"):
        _use_function(loaded, metadata["function_name"])
    else:
        method = metadata.get("method_name") or "forward"
        chosen = _find_class(loaded.module, kernel_type, metadata, role)
        if init_inputs is None:
            init_inputs = loaded.init_inputs(seed)
        _use_class(loaded, chosen, method, init_inputs, seed, device)
    return loaded


def execute(source):
    """The submission as a fresh module named "submission", with torch in scope."""
    register_source(source)
    try:
        code = compile(source, SUBMISSION_FILE, "exec", dont_inherit=True)
    except BaseException as exception:  # SyntaxError, ValueError (NUL), RecursionError, MemoryError
        raise _syntax_fault(exception) from None
    module = types.ModuleType(SUBMISSION_MODULE)
    module.__file__ = SUBMISSION_FILE
    module.torch = torch
    sys.modules[SUBMISSION_MODULE] = module
    try:
        exec(code, module.__dict__)
    except BaseException as exception:
        raise fault_from(exception, IMPORT) from None
    return module


def defined_names(module):
    """A sentence with the functions and classes that the submission defines itself."""
    names = []
    for name, value in list(vars(module).items()):
        own = getattr(value, "__module__", None) == SUBMISSION_MODULE
        if own and inspect.isclass(value):
            names.append(f"{name} (class)")
        elif own and callable(value):
            names.append(f"{name} (function)")
    if not names:
        return "it defines no function and no class"
    more = f" and {len(names) - MAX_NAMES_SHOWN} more" if len(names) > MAX_NAMES_SHOWN else ""
    return "it defines " + ", ".join(names[:MAX_NAMES_SHOWN]) + more


def check_signature(signature, arguments, keywords, described):
    if signature is None:
        return
    try:
        signature.bind(*arguments, **keywords)
    except TypeError as error:
        count = len(arguments) + len(keywords)
        raise Fault(
            CONTRACT,
            f"{described}{signature} cannot be called with {count} argument{'' if count == 1 else 's'}: {error}",
            "TypeError",
        ) from None


def _syntax_fault(exception):
    fault = fault_from(exception, SYNTAX)
    if isinstance(exception, SyntaxError) and exception.lineno:
        fault.message = f"{exception.msg} (line {exception.lineno})"
    return fault


def _use_entry_point(loaded, metadata):
    name = metadata.get("entry_point")
    if not name:
        raise Fault(CONTRACT, "entry_point must be specified in metadata")
    found = loaded.function(name)
    if found is None:
        raise Fault(CONTRACT, f"Entry point function '{name}' not found; {defined_names(loaded.module)}")
    _use(loaded, found, name)


def _use_function(loaded, name):
    found = loaded.function(name)
    if found is None:
        exists = hasattr(loaded.module, name)
        reason = "is not callable" if exists else "not found in the submission"
        raise Fault(CONTRACT, f"Function '{name}' {reason}; {defined_names(loaded.module)}")
    _use(loaded, found, name)


def _find_class(module, kernel_type, metadata, role):
    named = metadata.get("class_name") if kernel_type == "torch" else None
    if named:
        wanted = [named]
    elif kernel_type == "torch_cuda" or role == "candidate":
        wanted = ["ModelNew", "Model"]  # a source with both means the new one
    else:
        wanted = ["Model", "ModelNew"]
    for name in wanted:
        found = getattr(module, name, None)
        if inspect.isclass(found):
            return found
    missing = f"Class '{named}'" if named else f"No class {' or '.join(wanted)}"
    hint = "" if named else "; define one, or set function_name or class_name in metadata"
    raise Fault(CONTRACT, f"{missing} {'not ' if named else ''}found in the submission; {defined_names(module)}{hint}")


def _use_class(loaded, chosen, method, init_inputs, seed, device):
    arguments, keywords = constructor_arguments(init_inputs, device)
    check_signature(_signature(chosen), arguments, keywords, chosen.__name__)
    seed_everything(seed)
    try:
        instance = chosen(*arguments, **keywords)
        if isinstance(instance, torch.nn.Module):
            instance = instance.to(device)
    except BaseException as exception:
        raise fault_from(exception) from None
    described = f"{chosen.__name__}.{method}"
    found = getattr(instance, method, None)
    if not callable(found):
        methods = [name for name in vars(chosen) if not name.startswith("_") and callable(getattr(chosen, name))]
        raise Fault(
            CONTRACT,
            f"Method '{method}' not found in class '{chosen.__name__}'; its methods are {', '.join(methods) or 'none'}",
        )
    loaded.instance = instance
    _use(loaded, found, described)
    if isinstance(instance, torch.nn.Module) and method == "forward":
        loaded.call = instance  # with its hooks, as users call it


def constructor_arguments(init_inputs, device):
    """[args…], or [[args…], {keywords}] as some collections of models write it."""
    if len(init_inputs) == 2 and isinstance(init_inputs[0], (list, tuple)) and isinstance(init_inputs[1], dict):
        arguments, keywords = list(init_inputs[0]), dict(init_inputs[1])
    else:
        arguments, keywords = list(init_inputs), {}
    place = lambda value: value.to(device) if isinstance(value, torch.Tensor) else value  # noqa: E731
    return [place(value) for value in arguments], {key: place(value) for key, value in keywords.items()}


def _use(loaded, callable_, described):
    loaded.call = callable_
    loaded.described = described
    loaded.signature = _signature(callable_)


def _signature(callable_):
    try:
        return inspect.signature(callable_)
    except BaseException:  # built-ins, and whatever a submitted __signature__ does
        return None
