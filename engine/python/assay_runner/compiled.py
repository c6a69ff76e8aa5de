# SPDX-License-Identifier: Apache-2.0
"""What a compiler of kernels written in Python gives back."""


class Compiled:
    """What a compiler made.

    tool         "triton 3.6.0"
    tier         "device": `binary` is a cubin that our own C++ launches; "host": the Python runner uses it
    kernel_name  device tier: the symbol to launch; host tier: a name for people
    launch       a JSON object for the runner: what it must know beside the contract
    binary       bytes
    kernels      resources, KernelResources on the wire
    log          warnings, capped
    whole_log    what the compilers said in all; without it, the log
    way          which of several ways of compiling it took, for people
    stages       [{"name", "seconds"}]
    needs_gpu    False: the artifact is of use on a machine without a GPU
    """

    def __init__(
        self, tool, tier, kernel_name, launch, binary, kernels=(), log="", way="", stages=(), needs_gpu=True, whole_log=""
    ):
        self.tool, self.tier, self.kernel_name = tool, tier, kernel_name
        self.launch, self.binary, self.kernels, self.log = launch, binary, list(kernels), log
        self.way, self.stages, self.needs_gpu = way, list(stages), needs_gpu
        self.whole_log = whole_log or log
