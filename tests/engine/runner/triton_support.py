# SPDX-License-Identifier: Apache-2.0
"""A judge for Triton submissions: arguments and outputs as the contract lays them out."""

import torch
from runner_support import Layout, scalar, values


def load(runner, source, io, ask=None, role="candidate", descriptors=(), **metadata):
    launch = metadata.pop("launch", None)
    kernel = {"source_code": source, "kernel_type": "triton", "io": io, "metadata": metadata}
    extra = {} if launch is None else {"launch": launch}
    return (ask or runner.ok)("load", descriptors, role=role, kernel=kernel, seed=7, init_inputs=None, **extra)


class Bound:
    """The contract's arguments bound in `slots` slots; inputs are random and differ from slot to slot."""

    def __init__(self, runner, io, slots=1):
        self._runner = runner
        layout = Layout(slots)
        self.arguments, self.inputs = [], []
        for argument in io["args"]:
            if argument["type"] != "tensor":
                self.arguments.append(scalar(argument["value"]))
                continue
            spec = argument["tensor_spec"]
            self.arguments.append(layout.place(argument["role"], spec["dtype"], spec["shape"]))
        self.outputs = [each for each in self.arguments if each.get("role") in ("output", "inout")]
        runner.bind(layout, self.arguments, self.outputs)
        generator = torch.Generator().manual_seed(3)
        for slot in range(slots):
            drawn = []
            for binding in self.arguments:
                if binding["kind"] == "tensor" and binding["role"] != "output":
                    drawn.append(torch.randn(binding["shape"], generator=generator).to(values.DTYPES[binding["dtype"]]))
                    runner.view(binding, slot).copy_(drawn[-1])
            self.inputs.append(drawn)
        for output in self.outputs:
            for slot in range(slots):
                runner.view(output, slot).fill_(-7)

    def output(self, slot=0):
        return self._runner.view(self.outputs[0], slot).clone()
