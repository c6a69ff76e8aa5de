# SPDX-License-Identifier: Apache-2.0
"""Imports torch once and forks runners on request.

    python -I <build>/python/assay_runner/zygote.py --channel-fd N

Before every fork this process has one thread and has never touched CUDA; the child of a fork serves one judge, or
compiles one kernel ("serve": "compile"), over the descriptor that the request's argument names ({"channel_fd": N}) and
ends without running exit handlers.
"""

import argparse
import gc
import json
import os
import sys

if __package__ in (None, ""):  # started by path: isolated mode takes no PYTHONPATH
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    sys.path[:] = [entry for entry in sys.path if entry != os.path.dirname(os.path.abspath(__file__))]

# Read by the libraries at import; a pool of theirs must not exist before a fork.
SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
    "TORCHINDUCTOR_COMPILE_THREADS": "1",
}
EXIT_DONE, EXIT_BROKEN = 0, 70


def preload():
    """What runners need, imported here once: (torch's version, names of the optional ones found)."""
    os.environ.update(SINGLE_THREADED)
    import torch

    optional = []
    for name in ("numpy", "triton"):
        try:
            __import__(name)
            optional.append(name)
        except Exception:  # absent or unusable here: a submission that needs it is told so itself
            pass
    _import_extensions()
    from assay_runner import compiler, runner, triton_compile, triton_host  # noqa: F401  (with all that they import)

    gc.collect()
    gc.freeze()  # what lives now is never collected: children share its pages
    return torch.__version__, optional


def _import_extensions():
    """torch's extension builder asks at import whether there is a GPU, which would start the driver here."""
    import torch

    ask = torch.cuda.is_available
    torch.cuda.is_available = lambda: True
    try:
        import torch.utils.cpp_extension  # noqa: F401
    finally:
        torch.cuda.is_available = ask


def unfit_reason():
    """Why this process must not fork, or an empty string."""
    import torch

    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        return f"{threads} threads run"
    if torch.cuda.is_initialized():
        return "CUDA is initialised"
    nodes = _open_device_nodes()
    return f"{nodes[0]} is open" if nodes else ""


def _open_device_nodes():
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{number}")
        except OSError:  # the listing's own descriptor
            continue
        if target.startswith("/dev/nvidia"):
            found.append(target)
    return found


def run_child(argument, environment):
    """The life of a forked runner; does not return."""
    status = EXIT_BROKEN
    try:
        os.environ.clear()
        os.environ.update(entry.split("=", 1) for entry in environment if "=" in entry)
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")  # no pool of compilers in a sandbox
        from assay_runner import compiler, runner

        request = json.loads(argument)
        serve = compiler if request.get("serve") == "compile" else runner
        serve.main(request["channel_fd"])
        status = EXIT_DONE
    except BaseException as exception:  # the judge or the front is gone, or we have a defect
        print(f"assay runner: {type(exception).__name__}: {exception}", file=sys.stderr)
    finally:
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except BaseException:
                pass
        os._exit(status)


def serve(channel_fd):
    """Forks until the front closes the channel; the zygote's exit status."""
    import _assay_native as native

    while True:
        reason = unfit_reason()
        if reason:
            print(f"assay zygote: cannot fork: {reason}", file=sys.stderr)
            return EXIT_BROKEN
        outcome, detail, environment = native.serve_next(channel_fd)
        if outcome == "child":
            run_child(detail, environment)
        if outcome == "closed":
            if detail:
                print(f"assay zygote: {detail.decode(errors='replace')}", file=sys.stderr)
                return EXIT_BROKEN
            return EXIT_DONE


def main():
    parser = argparse.ArgumentParser(prog="assay zygote")
    parser.add_argument("--channel-fd", type=int, required=True)
    options = parser.parse_args()
    version, optional = preload()
    print(f"assay zygote: torch {version}, {', '.join(optional)}", flush=True)
    return serve(options.channel_fd)


if __name__ == "__main__":
    sys.exit(main())
