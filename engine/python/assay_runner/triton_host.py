# SPDX-License-Identifier: Apache-2.0
"""Triton submissions that Python launches: on a GPU what cannot be launched ahead of time, on the CPU all by Triton's
interpreter.
"""

import inspect
import sys

from assay_runner import triton_environment, triton_kernels
from assay_runner.errors import CONTRACT, Fault

# Which of a contract's arguments a launcher may take, besides outputs.
SCALARS_TAKEN = (
    lambda argument: True,
    lambda argument: not argument.get("is_meta"),
    lambda argument: argument.get("type", "tensor") == "tensor",
)


def prepare(device):
    """Before the submission is executed. A Fault where there is no Triton."""
    try:
        import triton  # noqa: F401
    except ImportError as error:
        raise Fault(CONTRACT, f"triton is not installed on this server: {error}") from None
    if device == "cpu":
        triton_environment.for_interpreter()
    else:
        triton_environment.for_gpu()


def use(loaded, kernel, role, construct):
    """Sets what `loaded` calls. construct(class, method): constructs a class of the submission into `loaded`."""
    metadata, contract = kernel.get("metadata") or {}, kernel.get("io")
    triton_kernels.demand_contract(contract, metadata)
    chosen = triton_kernels.choose(loaded.module, metadata, contract, role)
    loaded.described = chosen.name
    if chosen.kernel is not None:
        loaded.call = _launcher(loaded.module, chosen, contract)
    elif inspect.isclass(chosen.python):
        construct(chosen.python, metadata.get("method_name") or "forward")
        if contract is None:
            loaded.takes_outputs = False  # called with the reference's inputs, as torch's classes are
        else:
            _fit(loaded, loaded.call, loaded.signature, contract, outputs_first=False)
    else:
        _fit(loaded, chosen.python, _signature(chosen.python), contract, outputs_first=True)
    if not _interprets():  # which chooses the first configuration
        loaded.call = _reporting(loaded.call, loaded.module)


def _interprets():
    import triton

    return triton.knobs.runtime.interpret


def _launcher(module, chosen, contract):
    """Calls kernel[grid] with the contract's arguments, as its users write it: what is no constexpr by position."""
    bound = triton_kernels.bind(chosen.kernel, contract, chosen.name)
    triton_kernels.demand_grid(module, contract, chosen.name)
    grid = triton_kernels.grid_of(contract) or triton_kernels.grid_function(module)
    options = bound.options
    if "autotune" in triton_kernels.decorators(chosen.kernel):
        options = {}  # each configuration brings its own
    meta = {position for position, argument in enumerate(contract["args"]) if argument.get("is_meta")}
    parameters = list(inspect.signature(triton_kernels.base_function(chosen.kernel)).parameters)
    by_position = []
    for parameter in parameters:
        position = bound.positions.get(parameter)
        if position is None or position in meta:
            break
        by_position.append(position)
    by_name = {key: position for key, position in bound.positions.items() if position not in by_position}
    launch = chosen.kernel[grid]

    def call(*arguments):
        return launch(
            *[arguments[position] for position in by_position],
            **{key: arguments[position] for key, position in by_name.items()},
            **options,
        )

    return call


def _fit(loaded, function, signature, contract, outputs_first):
    """Which of the contract's arguments a launcher written in Python takes: the first way that its signature allows, with
    or without outputs (which it returns then), with all scalars, without meta arguments, or with tensors only."""
    arguments = contract.get("args") or []
    ways = [(outputs, takes) for outputs in (outputs_first, not outputs_first) for takes in SCALARS_TAKEN]
    for takes_outputs, takes in ways:
        given = [argument for argument in arguments if takes_outputs or argument.get("role") != "output"]
        kept = [index for index, argument in enumerate(given) if takes(argument)]
        try:
            if signature is not None:
                signature.bind(*kept)
        except TypeError:
            continue
        loaded.takes_outputs = takes_outputs
        loaded.signature = None  # it fits
        loaded.call = lambda *values: function(*[values[index] for index in kept])
        return
    raise Fault(
        CONTRACT,
        f"{loaded.described}{signature} fits the contract's {len(arguments)} arguments neither with nor without its "
        "outputs, meta arguments and scalars",
        "TypeError",
    )


def _signature(function):
    try:
        return inspect.signature(function)
    except BaseException:  # built-ins, and whatever a submitted __signature__ does
        return None


def _reporting(call, module):
    """After the first call, what autotuning chose is printed, with all timings: the judge shows what a runner prints."""
    state = {"told": False}

    def told_once(*arguments):
        returned = call(*arguments)
        if not state["told"]:
            state["told"] = True
            _tell_tuning(module)
        return returned

    return told_once


def _tell_tuning(module):
    for name, value in list(vars(module).items()):
        if not triton_kernels.is_kernel(value) or "autotune" not in triton_kernels.decorators(value):
            continue
        best, timings = getattr(value, "best_config", None), getattr(value, "configs_timings", None)
        if best is None:
            continue
        print(f"autotune of {name} chose {best}")
        for config, times in (timings or {}).items():
            times = times if isinstance(times, (list, tuple)) else [times]
            print(f"autotune of {name}: {times[0]:.4f} ms with {config}")
        sys.stdout.flush()
