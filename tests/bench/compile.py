# SPDX-License-Identifier: Apache-2.0
"""From a cuda source never seen before to its compiler's verdict, through the server, against nvcc started by hand; and
the same source again, from the cache. No GPU is needed. Medians of rounds taken in turn, as ratios.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time

from assay_process import Assay, example, kernel

ROUNDS = 7


def server_seconds(server, source, io):
    begin = time.monotonic()
    answer = server.post("/evaluate", {"kernel": kernel(source, "cuda", io), "num_trials": 1}).body
    seconds = time.monotonic() - begin
    assert answer["kernel_exec_result"]["compiled"], json.dumps(answer["verdict"])
    return seconds, answer


def nvcc_seconds(source, folder):
    path = os.path.join(folder, "kernel.cu")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    command = [os.path.join(os.environ["CUDA_HOME"], "bin", "nvcc"), "-arch=sm_90", "-cubin", path, "-o", path + "bin"]
    begin = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    return time.monotonic() - begin


def main():
    _, arguments = example("vector_add_right")
    io = arguments["custom_kernel_io"]
    cold, again, nvcc, ran = [], [], [], False
    with Assay() as server, tempfile.TemporaryDirectory() as folder:
        server.await_healthy()
        for serial in range(ROUNDS + 1):
            source = arguments["custom_kernel_source"] + f"\n__device__ int unseen_{os.getpid()}_{serial};\n"
            seconds, answer = server_seconds(server, source, io)
            if serial == 0:
                ran = answer["device"] is not None
                continue  # the first job opens what is opened once
            cold.append(seconds)
            again.append(server_seconds(server, source, io)[0])
            nvcc.append(nvcc_seconds(source, folder))
    cold_s, again_s, nvcc_s = (statistics.median(values) for values in (cold, again, nvcc))
    what = "compiling and running once" if ran else "compiling"
    print(f"cuda, {what} through the server: cold {cold_s * 1e3:.0f} ms, again {again_s * 1e3:.0f} ms; "
          f"nvcc by hand {nvcc_s * 1e3:.0f} ms: {nvcc_s / cold_s:.1f} and {nvcc_s / again_s:.1f} times as fast")


if __name__ == "__main__":
    main()
