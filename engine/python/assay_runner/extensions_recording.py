# SPDX-License-Identifier: Apache-2.0
"""Finds out which extensions a source builds by running it, in a child process, with load_inline and load replaced by
recorders: its top level, the construction of its class and what looks like a late builder.

The child may raise, exit, be killed or hang: the calls that it had made by then count. What the source does with the
stand-in of a module that is not built yet proves nothing either way.
"""

import inspect
import os
import resource
import types

from torch.utils import cpp_extension

from assay_runner import extensions, extensions_gpu, loader, submitted_child
from assay_runner.errors import CONTRACT, Fault, fault_from
from assay_runner.extensions_check import checked_call

RECORDING_SECONDS = 60.0
RECORDING_BYTES = 4 << 30  # beyond what is mapped: large weights fail there, before they endanger the compilers
MAX_CALLS = 64
MAX_RECORD_BYTES = 64 << 20
MAX_BUILDERS = 16
GUESSED_ARGUMENT = 1  # for constructors whose arguments only the reference knows


class Recording:
    """What running the source showed.

    calls  [(Call, certain)]: a call that followed a guess of ours is not certain, and need not build
    fault  of the top level or the construction, None where both went through
    """

    def __init__(self):
        self.calls = []
        self.fault = None


def record(source, architecture, failures, folder):
    """Runs the source in a child. failures: {key of a call: text}: those calls raise there as in stock, when they do not
    build. folder: where its temporary files go, which its calls may name.
    """
    recording, seen = Recording(), set()
    with submitted_child.running(lambda writer: _run(source, architecture, failures, writer), folder) as messages:
        for message in messages.read(RECORDING_SECONDS, MAX_RECORD_BYTES):
            if "call" not in message:
                recording.fault = submitted_child.fault_of(message.get("fault"))
                break
            call = checked_call(message["call"])
            if call.key in seen:
                continue
            if len(recording.calls) == MAX_CALLS:
                raise Fault(CONTRACT, f"the source builds more than {MAX_CALLS} extensions")
            seen.add(call.key)
            recording.calls.append((call, bool(message.get("certain"))))
    return recording


class Recorder:
    """Stands for load_inline and load in the child."""

    def __init__(self, writer, failures):
        self._writer, self._failures = writer, failures
        self.certain = True

    def load_inline(self, *arguments, **keywords):
        return self._record(extensions.inline_call(arguments, keywords))

    def load(self, *arguments, **keywords):
        return self._record(extensions.file_call(arguments, keywords))

    def _record(self, call):
        self._writer.write({"call": call.data, "certain": self.certain})
        if call.key in self._failures:
            raise extensions.build_error(call.name, self._failures[call.key])
        return NotBuilt(call.name) if call.data["python_module"] else f"{call.name}.so"


class NotBuilt(types.ModuleType):
    """An extension that is recorded but not built: it has every function, and they return nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *arguments, **keywords: None


def _limit_memory():
    with open("/proc/self/statm", encoding="ascii") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + RECORDING_BYTES, most))


def _run(source, architecture, failures, writer):
    _limit_memory()
    recorder = Recorder(writer, failures)
    replacements = (recorder.load_inline, recorder.load)
    cpp_extension.load_inline, cpp_extension.load = replacements
    cpp_extension.CUDA_HOME = cpp_extension.CUDA_HOME or os.environ.get("CUDA_HOME")
    extensions_gpu.pretend(architecture)
    fault, module = None, None
    try:
        module = loader.execute(source)
    except BaseException as exception:
        fault = fault_from(exception)
    if fault is None:
        fault = _construct(module, recorder)
    if module is not None:
        try:
            _call_builders(module, recorder, replacements)
        except BaseException:  # a guess
            pass
    writer.write({"fault": submitted_child.told(fault)})


def _construct(module, recorder):
    chosen = next((c for c in (getattr(module, n, None) for n in ("ModelNew", "Model")) if inspect.isclass(c)), None)
    if chosen is None:
        return None
    try:
        made = module.get_init_inputs() if callable(getattr(module, "get_init_inputs", None)) else []
        arguments, keywords = loader.constructor_arguments(list(made), "cpu")
        if not arguments and not keywords:
            arguments = _guessed_arguments(chosen, recorder)
        module.__assay_instance__ = chosen(*arguments, **keywords)
    except BaseException as exception:
        return fault_from(exception)
    return None


def _guessed_arguments(chosen, recorder):
    required = _required_parameters(chosen)
    if required:
        recorder.certain = False
    return [GUESSED_ARGUMENT] * required


def _required_parameters(function):
    try:
        parameters = inspect.signature(function).parameters.values()
    except BaseException:
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.default is inspect.Parameter.empty and p.kind in positional for p in parameters)


def _call_builders(module, recorder, replacements):
    """Functions without required arguments that name a recorder: extensions are often built at the first call."""
    recorder.certain = False
    words = {"load_inline"}
    for name, value in list(vars(module).items()):
        if value is cpp_extension or any(value is replacement for replacement in replacements):
            words.add(name)
    owners = [module, *(value for value in vars(module).values() if inspect.isclass(value))]
    instance = getattr(module, "__assay_instance__", None)
    called = 0
    for owner in owners:
        for name, raw in list(vars(owner).items()):
            if called == MAX_BUILDERS or not _names_any(raw, words):
                continue
            bound = getattr(instance if owner is type(instance) else owner, name, None)
            if callable(bound) and not inspect.isclass(bound) and _required_parameters(bound) == 0:
                called += 1
                try:
                    bound()
                except BaseException:  # it may need what only a run has
                    pass


def _names_any(function, words):
    for attribute in ("__func__", "__wrapped__", "fget"):
        function = getattr(function, attribute, None) or function
    code = getattr(function, "__code__", None)
    return code is not None and any(words & set(part.co_names) for part in _codes(code))


def _codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)
