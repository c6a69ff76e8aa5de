# SPDX-License-Identifier: Apache-2.0
"""Triton submissions that Python launches: on a GPU what cannot be launched ahead of time, on the CPU all by Triton's
interpreter.
"""

import inspect
import math
import sys

from assay_runner import triton_environment, triton_kernels
from assay_runner.errors import CONTRACT, Fault

MAX_TUNINGS, MAX_TRIALS, MAX_WORDS = 16, 256, 512  # of what is reported of autotuning
# Which of a contract's arguments a launcher may take, besides outputs.
SCALARS_TAKEN = (
    lambda argument: True,
    lambda argument: not argument.get("is_meta"),
    lambda argument: argument.get("type", "tensor") == "tensor",
)


def prepare(device, demanded):
    """Before a submission that names Triton is executed. A Fault where there is none and it is demanded."""
    try:
        import triton  # noqa: F401
    except ImportError as error:
        if not demanded:
            return
        raise Fault(CONTRACT, f"triton is not installed on this server: {error}") from None
    if device == "cpu":
        triton_environment.for_interpreter()
    else:
        triton_environment.for_gpu()


def defines_kernels(module):
    return "triton" in sys.modules and any(triton_kernels.is_kernel(value) for value in list(vars(module).values()))


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


def _interprets():
    import triton

    return triton.knobs.runtime.interpret


def tunings(module):
    """What autotuning chose in this process so far, as the wire has it; nothing on the CPU, where times choose nothing."""
    if "triton" not in sys.modules or _interprets():
        return []
    try:
        return _tunings(module)
    except BaseException:  # the kernels and their configurations are the submission's
        return []


def _tunings(module):
    found = []
    for name, value in list(vars(module).items()):
        if not triton_kernels.is_kernel(value) or "autotune" not in triton_kernels.decorators(value):
            continue
        best = getattr(value, "best_config", None)
        if best is not None and len(found) < MAX_TUNINGS:
            timings = getattr(value, "configs_timings", None) or {}
            trials = [_trial(config, times) for config, times in list(timings.items())[:MAX_TRIALS]]
            found.append({"kernel": name[:MAX_WORDS], "chosen": str(best)[:MAX_WORDS], "trials": trials})
    return found


def _trial(config, times):
    """Triton gives the median and two quantiles, in milliseconds; infinite where the configuration does not run."""
    milliseconds = times[0] if isinstance(times, (list, tuple)) else times
    known = isinstance(milliseconds, (int, float)) and math.isfinite(milliseconds) and milliseconds >= 0
    return {"config": str(config)[:MAX_WORDS], "ms": float(milliseconds) if known else None}
