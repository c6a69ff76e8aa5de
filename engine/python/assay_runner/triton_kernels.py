# SPDX-License-Identifier: Apache-2.0
"""What of a Triton submission is called, and which of its parameters each argument of the contract is for.

Used where a kernel is compiled and where it is run by Python, so that both choose the same.
"""

import inspect

from assay_runner.errors import CONTRACT, SUBMISSION_MODULE, Fault
from assay_runner.loader import defined_names

# Launch options that a contract may give as meta arguments beside launch.num_warps and launch.num_stages.
OPTIONS = ("num_warps", "num_stages", "num_ctas", "maxnreg", "enable_fp_fusion")


class Chosen:
    """What is called.

    kernel    a @triton.jit function, decorated further or not, or None
    python    a function or class of the submission that launches by itself, or None
    name      of either
    why       "metadata.entry_point names it", for people
    """

    def __init__(self, name, why, kernel=None, python=None):
        self.name, self.why, self.kernel, self.python = name, why, kernel, python


def choose(module, metadata, contract, role="candidate"):
    """metadata.entry_point or function_name, else kernel_name, else a class, else the first kernel that the contract fits
    (the first of all where it fits none)."""
    for key in ("entry_point", "function_name", "kernel_name"):
        if metadata.get(key):
            return _named(module, key, metadata[key])
    found = _class_of(module, metadata, role)
    if found is not None:
        return Chosen(found.__name__, f"the source defines the class {found.__name__}", python=found)
    kernels = [(name, value) for name, value in list(vars(module).items()) if is_kernel(value)]
    if not kernels:
        raise Fault(CONTRACT, f"No @triton.jit function found in the submission; {defined_names(module)}")
    for name, kernel in kernels:
        try:
            bind(kernel, contract, name)
        except Fault:
            continue
        return Chosen(name, "the contract's arguments fit it", kernel=kernel)
    return Chosen(kernels[0][0], "it is the first @triton.jit function", kernel=kernels[0][1])


def demand_contract(contract, metadata):
    """Only a class can do without: it is called with the reference's inputs and returns its outputs."""
    launches_elsewhere = any(metadata.get(key) for key in ("entry_point", "function_name", "kernel_name"))
    if contract is None and (launches_elsewhere or not metadata.get("class_name")):
        raise Fault(
            CONTRACT,
            "IOContract is required for triton kernels, unless metadata.class_name names a class that launches them",
        )


def is_kernel(value):
    """Whether this is something to launch that the submission defines itself."""
    from triton.runtime.jit import KernelInterface

    if not isinstance(value, KernelInterface):
        return False
    return getattr(base_function(value), "__module__", None) == SUBMISSION_MODULE


def base_function(kernel):
    """The Python function below @triton.jit and what stands above it."""
    while not inspect.isfunction(kernel) and hasattr(kernel, "fn"):
        kernel = kernel.fn
    return kernel


def decorators(kernel):
    """Names of what stands above @triton.jit, outermost first: ["autotune"]."""
    names = []
    while not inspect.isfunction(kernel) and not inspect.isfunction(getattr(kernel, "fn", None)):
        names.append({"Autotuner": "autotune", "Heuristics": "heuristics"}.get(type(kernel).__name__, type(kernel).__name__))
        kernel = kernel.fn
    return names


class Arguments:
    """How a kernel's call takes a contract's arguments.

    positions  parameter name -> position in the contract
    options    launch options that the contract gives
    """

    def __init__(self, positions, options):
        self.positions, self.options = positions, options


def bind(kernel, contract, name):
    """By name where every argument has a parameter of its name, else meta arguments by name and the others in order.

    A contract Fault where they do not fit.
    """
    signature = inspect.signature(base_function(kernel))
    parameters = list(signature.parameters)
    described = f"{name}({', '.join(parameters)})"
    arguments = contract.get("args") or []
    launch = contract.get("launch") or {}
    options = {key: launch[key] for key in ("num_warps", "num_stages") if launch.get(key) is not None}
    positions, in_order = {}, []
    for position, argument in enumerate(arguments):
        key = argument.get("name")
        if not argument.get("is_meta"):
            in_order.append(position)
        elif key in parameters:
            positions[key] = position
        elif key in OPTIONS:
            options[key] = argument.get("value")
        else:
            raise Fault(CONTRACT, f"the contract's meta argument '{key}' is no parameter of the kernel {described}")
    names = [arguments[position].get("name") for position in in_order]
    free = [parameter for parameter in parameters if parameter not in positions]
    if len(set(names)) == len(names) and all(key in free for key in names):
        positions.update(zip(names, in_order))
    elif len(in_order) <= len(free):
        positions.update(zip(free, in_order))
    else:
        raise Fault(
            CONTRACT,
            f"the kernel {described} takes {len(free)} arguments beside its meta arguments, the contract has "
            f"{len(in_order)} ({', '.join(map(str, names))})",
        )
    for parameter in parameters:
        has_value = parameter in positions or parameter in options or tuned(kernel, parameter)
        if not has_value and signature.parameters[parameter].default is inspect.Parameter.empty:
            raise Fault(CONTRACT, f"the contract has no argument for the parameter '{parameter}' of the kernel {described}")
    return Arguments({key: positions[key] for key in parameters if key in positions}, options)


def tuned(kernel, parameter):
    """Whether a decorator above @triton.jit gives this parameter its value."""
    while not inspect.isfunction(kernel):
        given = set(getattr(kernel, "values", None) or ())
        for config in getattr(kernel, "configs", None) or ():
            given.update(config.kwargs)
        if parameter in given:
            return True
        kernel = kernel.fn
    return False


def grid_of(contract):
    """(x, y, z), or None where the contract has none."""
    grid = (contract.get("launch") or {}).get("grid")
    return None if grid is None else (grid["x"], grid["y"], grid["z"])


def grid_function(module):
    """A source may bring its grid as a function of the meta arguments, as Triton's own examples do."""
    found = vars(module).get("grid")
    return found if callable(found) and not is_kernel(found) else None


def demand_grid(module, contract, name):
    if grid_of(contract) is None and grid_function(module) is None:
        raise Fault(
            CONTRACT,
            f"IOContract is required for triton kernels, with launch.grid: '{name}' has no grid. A Python launcher can be "
            "named in metadata.entry_point instead",
        )


def _named(module, key, name):
    found = getattr(module, name, None)
    if is_kernel(found):
        return Chosen(name, f"metadata.{key} names it", kernel=found)
    if callable(found):
        return Chosen(name, f"metadata.{key} names a Python function", python=found)
    what = {"entry_point": "Entry point function", "function_name": "Function", "kernel_name": "Kernel"}[key]
    raise Fault(CONTRACT, f"{what} '{name}' not found; {defined_names(module)}")


def _class_of(module, metadata, role):
    named = metadata.get("class_name")
    wanted = [named] if named else ["Model", "ModelNew"] if role == "reference" else ["ModelNew", "Model"]
    for name in wanted:
        found = getattr(module, name, None)
        if inspect.isclass(found):
            return found
    if named:
        raise Fault(CONTRACT, f"Class '{named}' not found in the submission; {defined_names(module)}")
    return None
