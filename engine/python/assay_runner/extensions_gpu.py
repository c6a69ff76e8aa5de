# SPDX-License-Identifier: Apache-2.0
"""Lets a source that wants a GPU run its top level and its constructors without one: questions about the device are
answered for the architecture that is compiled for, and what should go to the device stays on the CPU.
"""

import re
import types

import torch
from torch.overrides import TorchFunctionMode

# What differs between GPUs of one capability is told as of the largest.
TRAITS = {
    (7, 5): (40, 1024, 64 << 10), (8, 0): (108, 2048, 164 << 10), (8, 6): (84, 1536, 100 << 10),
    (8, 9): (142, 1536, 100 << 10), (9, 0): (132, 2048, 228 << 10), (10, 0): (148, 2048, 228 << 10),
    (10, 3): (148, 2048, 228 << 10), (12, 0): (188, 1536, 100 << 10),
}  # fmt: skip
RESERVED_SHARED_BYTES = 1 << 10
MEMORY_BYTES = 80 << 30
L2_BYTES = 50 << 20


def capability_of(architecture):
    """(9, 0) of "sm_90" or "sm_90a"."""
    match = re.fullmatch(r"sm_(\d+)(\d)[af]?", architecture)
    if match is None:
        raise ValueError(f"unknown architecture {architecture!r:.40}")
    return int(match.group(1)), int(match.group(2))


def pretend(architecture):
    """Replaces torch.cuda's questions and sends tensors to the CPU, for the rest of this process."""
    capability = capability_of(architecture)
    properties = _properties(capability)
    answers = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "get_device_capability": lambda device=None: capability,
        "get_device_name": lambda device=None: properties.name,
        "get_device_properties": lambda device=None: properties,
        "get_arch_list": lambda: [f"sm_{capability[0]}{capability[1]}"],
        "mem_get_info": lambda device=None: (MEMORY_BYTES, MEMORY_BYTES),
        "is_bf16_supported": lambda including_emulation=True: capability >= (8, 0),
    }
    for name in ("init", "_lazy_init", "synchronize", "empty_cache", "set_device", "manual_seed", "manual_seed_all",
                 "reset_peak_memory_stats", "ipc_collect"):  # fmt: skip
        answers[name] = lambda *_, **__: None
    for name in ("memory_allocated", "max_memory_allocated", "memory_reserved", "max_memory_reserved"):
        answers[name] = lambda device=None: 0
    for name, answer in answers.items():
        setattr(torch.cuda, name, answer)
    torch.nn.Module.cuda = lambda self, device=None: self
    OnCpu().__enter__()


def _properties(capability):
    processors, threads, shared = TRAITS.get(capability, TRAITS[(9, 0)])
    return types.SimpleNamespace(
        name=f"NVIDIA GPU sm_{capability[0]}{capability[1]}",
        major=capability[0],
        minor=capability[1],
        total_memory=MEMORY_BYTES,
        multi_processor_count=processors,
        max_threads_per_multi_processor=threads,
        max_threads_per_block=1024,
        regs_per_multiprocessor=64 << 10,
        shared_memory_per_block=48 << 10,
        shared_memory_per_block_optin=shared - RESERVED_SHARED_BYTES,
        shared_memory_per_multiprocessor=shared,
        warp_size=32,
        L2_cache_size=L2_BYTES,
        is_integrated=0,
        is_multi_gpu_board=0,
        clock_rate=1_980_000,
        memory_clock_rate=2_619_000,
        memory_bus_width=5120,
    )


class OnCpu(TorchFunctionMode):
    """Calls of torch whose device is a GPU mean the CPU."""

    def __torch_function__(self, function, _, arguments=(), keywords=None):
        keywords = keywords or {}
        name = getattr(function, "__name__", "")
        if name == "cuda" and arguments and isinstance(arguments[0], torch.Tensor):
            return arguments[0]
        if name == "pin_memory":
            return arguments[0]
        keywords = {key: _placed(value) for key, value in keywords.items() if key != "pin_memory"}
        if name != "__get__":  # properties take no device
            arguments = tuple(_placed(value) for value in arguments)
        return function(*arguments, **keywords)


def _placed(value):
    if isinstance(value, torch.device):
        return torch.device("cpu") if value.type == "cuda" else value
    if isinstance(value, str) and re.fullmatch(r"cuda(:\d+)?", value):
        return "cpu"
    return value
