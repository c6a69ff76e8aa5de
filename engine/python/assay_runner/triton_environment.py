# SPDX-License-Identifier: Apache-2.0
"""What Triton is told about the process it works in: for a compiler without a GPU, a runner with one, and a runner that
interprets. Each is called once in a forked child, before the submission is executed.
"""

import os
import re
import sys
import tempfile

import torch

WARP_SIZE = 32
PTX_THREAD_VARIABLE = "MLIR_DISABLE_MULTITHREADING"  # one kernel has nothing to share out


class NeedsGpu(RuntimeError):
    """Asked of a stand-in driver that cannot know."""

    def __init__(self, what):
        super().__init__(f"{what}: no CUDA GPUs are available here")


def for_compiler(architecture):
    """Answers Triton's questions about the current device with `architecture` (90 for sm_90)."""
    os.environ[PTX_THREAD_VARIABLE] = "1"
    _use_private_cache()
    _set_driver(architecture, torch.device("cuda", 0))


def for_gpu():
    """Lets Triton build its launchers: REQUIRES an open context, by which libcuda is found. Scratch memory is there, as it
    is for what our own C++ launches; a submission may set an allocator of its own."""
    import triton

    triton.set_allocator(lambda size, alignment, stream: torch.empty(size, dtype=torch.int8, device="cuda"))
    _use_private_cache()
    folder = _loaded_libcuda_folder()
    if folder:
        os.environ.setdefault("TRITON_LIBCUDA_PATH", folder)


def for_interpreter():
    """Makes Triton one that interprets on the CPU.

    Its own library functions (tl.sum, tl.cdiv) became what they are when they were imported, so all of it is imported
    again; only the native module stays, which cannot be loaded twice.
    """
    os.environ["TRITON_INTERPRET"] = "1"
    for name in [name for name in sys.modules if name == "triton" or name.startswith("triton.")]:
        if not name.startswith("triton._C"):
            del sys.modules[name]
    import triton.language
    import triton.runtime.interpreter
    import triton.testing

    _set_driver(0, torch.device("cpu"))
    triton.testing.do_bench = _no_benchmark
    _mend(triton.runtime.interpreter)


def _mend(interpreter):
    """Two things that the interpreter of Triton 3.6 cannot do."""
    convert, patch_tensor = interpreter._implicit_cvt, interpreter._patch_lang_tensor

    def convert_bool_too(argument):
        # It gives a bool 32 bits and a type of one, and then refuses that.
        return convert(int(argument) if isinstance(argument, bool) else argument)

    def patch_index_too(tensor, scope):
        # range(n): numpy 2.4 does not take an array of one element for a number any more.
        patch_tensor(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: int(self.handle.data.item()))

    interpreter._implicit_cvt, interpreter._patch_lang_tensor = convert_bool_too, patch_index_too


def _use_private_cache():
    """A cache that nobody else writes. Its key needs no hash of Triton's own files, which takes a second."""
    import triton.runtime.cache

    os.environ["TRITON_CACHE_DIR"] = tempfile.mkdtemp(prefix="triton")
    triton.runtime.cache.triton_key = lambda: triton.__version__


def _loaded_libcuda_folder():
    with open("/proc/self/maps") as maps:
        found = re.search(r"\s(/\S*)/libcuda\.so[.\d]*$", maps.read(), re.MULTILINE)
    folder = found.group(1) if found else ""
    return folder if os.path.exists(os.path.join(folder, "libcuda.so.1")) else ""


def _no_benchmark(kernel_call, quantiles=(0.5, 0.2, 0.8), **_):
    """Times of an interpreter choose nothing: the first configuration wins."""
    return [0.0 for _ in quantiles or (0,)]


def _set_driver(architecture, device):
    from triton.backends.compiler import GPUTarget
    from triton.runtime.driver import driver

    driver.set_active(_StandIn(GPUTarget("cuda", architecture, WARP_SIZE), device))


class _StandIn:
    """A driver for what sources ask at their top level; it launches nothing."""

    class _Utilities:
        def __getattr__(self, name):
            raise NeedsGpu(f"triton.runtime.driver.active.utils.{name}")

    def __init__(self, target, device):
        self._target, self._device = target, device
        self.utils = self._Utilities()

    def get_current_target(self):
        return self._target

    def get_active_torch_device(self):
        return self._device

    def get_device_interface(self):
        return torch.cuda if self._device.type == "cuda" else torch.cpu

    def get_current_device(self):
        return 0

    def set_current_device(self, _):
        pass

    def get_current_stream(self, _):
        return 0

    def get_benchmarker(self):
        return _no_benchmark

    def __getattr__(self, name):
        raise NeedsGpu(f"triton.runtime.driver.active.{name}")
