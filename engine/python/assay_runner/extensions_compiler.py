# SPDX-License-Identifier: Apache-2.0
"""Compiles a torch_cuda kernel: runs the source to see which extensions it builds, builds each once nothing of the source
runs any more, and packs the libraries.
"""

import concurrent.futures
import os
import tempfile
import time

import torch

from assay_runner import extensions_recording
from assay_runner.compiled import Compiled
from assay_runner.errors import CONTRACT, IMPORT, SYNTAX, Fault
from assay_runner.extensions_build import SPLIT, Build, Failed, Toolkit, parallel
from assay_runner.extensions_check import checked_call

MAX_ROUNDS = 3  # a source may answer a failed build with another one
MAX_LIBRARY_BYTES = 100 << 20  # of all together
NOTHING_TO_BUILD = "no extension"


def compile_extensions(kernel, request, tell=lambda text: None):
    """kernel type torch_cuda; request["extensions"]: calls that were first met when the kernel ran. tell(text): of errors
    that are known before the last way of building has ended."""
    job = Job(kernel.get("source_code", ""), request["architecture"], tell)
    met_at_run_time = [checked_call(data) for data in request.get("extensions") or ()]
    with tempfile.TemporaryDirectory(prefix="source-", ignore_cleanup_errors=True) as folder:
        return job.compile(folder, met_at_run_time)


class Job:
    def __init__(self, source, architecture, tell):
        self._source, self._architecture, self._tell = source, architecture, tell
        self._builds = {}  # key -> (Build, certain), in the order of the calls
        self._built = {}  # key -> Built
        self._failures = {}  # key -> what the compilers said
        self._stages = {}
        self._notes = []

    def compile(self, source_folder, met_at_run_time):
        first_fault = None
        for number in range(MAX_ROUNDS):
            begin = time.monotonic()
            recording = extensions_recording.record(self._source, self._architecture, self._failures, source_folder)
            self._add_stage("record", time.monotonic() - begin)
            if number == 0:
                first_fault = recording.fault
                _demand_runnable(recording)
            elif recording.fault and (not first_fault or recording.fault.message != first_fault.message):
                break  # the source does not live with the failure
            failed_before = len(self._failures)
            self._build([*recording.calls, *((call, True) for call in met_at_run_time)])
            if len(self._failures) == failed_before:
                return self._packed(recording)
        raise Fault(IMPORT, next(iter(self._failures.values())))

    def _build(self, calls):
        """Builds those that are new, in a folder that was made after all that the source had started had ended: it cannot
        have put anything there."""
        new = {}
        for call, certain in calls:
            if call.key not in self._builds:
                new.setdefault(call.key, (call, certain))
        if not new:
            return
        with (
            tempfile.TemporaryDirectory(prefix="extensions-", ignore_cleanup_errors=True) as folder,
            concurrent.futures.ThreadPoolExecutor(parallel()) as pool,
        ):
            toolkit = _toolkit(folder)
            for number, (call, certain) in enumerate(new.values()):
                place = os.path.join(folder, str(number))
                self._builds[call.key] = (Build(call, self._architecture, toolkit, place, pool, tell=self._tell), certain)
            self._finish()

    def _finish(self):
        for key, (build, certain) in self._builds.items():
            if key in self._built or key in self._failures:
                continue
            try:
                self._built[key] = built = build.finish()
            except Failed as failure:
                if certain:
                    self._failures[key] = str(failure)
                else:  # whether it is wanted at all is not known: if so, the run will say so
                    self._built[key] = None
                    self._notes.append(f"extension '{build.call.name}' was guessed and does not build:\n{failure}")
                continue
            if built.not_split:
                self._notes.append(f"extension '{build.call.name}' was not built the split way: {built.not_split}")
            for name, seconds in built.stages.items():
                self._add_stage(name, seconds)

    def _add_stage(self, name, seconds):
        self._stages[name] = self._stages.get(name, 0.0) + seconds

    def _packed(self, recording):
        entries, libraries, offset = [], [], 0
        done = [(self._builds[key][0].call, built) for key, built in self._built.items() if built is not None]
        for call, built in done:
            entries.append({
                "key": call.key, "nameless_key": call.nameless_key, "name": call.name,
                "python_module": call.data["python_module"], "caller": built.way == SPLIT, "offset": offset, "bytes": len(built.library),
            })  # fmt: skip
            libraries.append(built.library)
            offset += len(built.library)
        if offset > MAX_LIBRARY_BYTES:
            raise Fault(CONTRACT, f"the extensions are larger than {MAX_LIBRARY_BYTES >> 20} MiB together")
        failed = [{"key": key, "error": text} for key, text in self._failures.items()]
        if recording.fault is not None:
            self._notes.append("without a GPU the source runs only so far: " + recording.fault.message)
        names = ", ".join(call.name for call, _ in done)
        cuda = any(call.with_cuda for call, _ in done)
        return Compiled(
            tool=f"{'nvcc ' + _nvcc_version() if cuda else 'g++'}, torch {torch.__version__}",
            tier="host",
            kernel_name=names[:200] or NOTHING_TO_BUILD,
            launch={"extensions": entries, "failed": failed},
            binary=b"".join(libraries) or b"\0",
            kernels=[kernel for _, built in done for kernel in built.kernels][:256],
            log="\n".join([*self._notes, *(built.log for _, built in done if built.log)]),
            way=" and ".join(sorted({built.way for _, built in done})) or NOTHING_TO_BUILD,
            stages=[{"name": name, "seconds": round(seconds, 3)} for name, seconds in self._stages.items()],
            needs_gpu=cuda,
        )


def _demand_runnable(recording):
    if recording.fault is not None and recording.fault.kind == SYNTAX:
        raise recording.fault


def _toolkit(folder):
    return Toolkit(os.environ.get("CUDA_HOME", "/usr/local/cuda"), folder)


def _nvcc_version():
    return torch.version.cuda or ""
