# SPDX-License-Identifier: Apache-2.0
"""make_toolkit.py FOLDER: makes FOLDER a CUDA_HOME for the CUDA that this Python's torch matches.

Over an installed toolkit it is one link. Over NVIDIA's wheels it is a folder of links that adds what
those lack: lib64, and library names without a version (stock builds link with -lcudart).
Does nothing when FOLDER is already right.
"""

import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cmake"))
from probe_python import facts  # noqa: E402

LAYOUT = "3"  # change with anything below, so that old folders are made again


def make_links(cuda, toolkit):
    for name in ("bin", "lib64"):
        os.makedirs(os.path.join(toolkit, name))
    for name in ("include", "nvvm"):
        os.symlink(os.path.join(cuda, name), os.path.join(toolkit, name))
    os.symlink("lib64", os.path.join(toolkit, "lib"))
    # nvcc looks for its profile and its tools beside the path by which it was called.
    for name in os.listdir(os.path.join(cuda, "bin")):
        os.symlink(os.path.join(cuda, "bin", name), os.path.join(toolkit, "bin", name))
    libraries = os.path.join(cuda, "lib")
    for name in sorted(os.listdir(libraries)):
        target = os.path.join(libraries, name)
        os.symlink(target, os.path.join(toolkit, "lib64", name))
        match = re.fullmatch(r"(lib\w+)\.so\.[\d.]+", name)
        if match and not os.path.lexists(os.path.join(libraries, match.group(1) + ".so")):
            os.symlink(name, os.path.join(toolkit, "lib64", match.group(1) + ".so"))


def main():
    toolkit = os.path.abspath(sys.argv[1])
    found = facts()
    cuda = found["cuda_dir"]
    if not found["nvcc"]:
        sys.exit(f"no nvcc for CUDA {found['torch_cuda']} found for {sys.executable}")
    stamp = os.path.join(toolkit, ".made-from")
    wanted = f"{LAYOUT} {cuda}\n"
    from_wheels = os.path.basename(os.path.dirname(cuda)) == "nvidia"
    if not from_wheels:
        if not (os.path.islink(toolkit) and os.readlink(toolkit) == cuda):
            remove(toolkit)
            os.symlink(cuda, toolkit)
        return
    if not os.path.islink(toolkit) and os.path.exists(stamp):
        with open(stamp, encoding="utf-8") as file:
            if file.read() == wanted:
                return
    remove(toolkit)
    make_links(cuda, toolkit)
    with open(stamp, "w", encoding="utf-8") as file:
        file.write(wanted)


def remove(path):
    if os.path.islink(path):
        os.unlink(path)
    elif os.path.exists(path):
        shutil.rmtree(path)


if __name__ == "__main__":
    main()
