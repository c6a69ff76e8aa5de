# SPDX-License-Identifier: Apache-2.0
"""Says what the build must know of the Python that runs this. Imports no torch, so it takes 60 ms.

probe_python.py             the facts as one JSON object
probe_python.py --missing   what this Python lacks to serve Assay, in words; nothing when it fits
"""

import glob
import importlib.util
import json
import os
import re
import shutil
import sys
import sysconfig

TORCH_SERIES = "2.11."
OLDEST_PYTHON = (3, 10)


def torch_facts():
    spec = importlib.util.find_spec("torch")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = spec.submodule_search_locations[0]
    version = {}
    with open(os.path.join(folder, "version.py"), encoding="utf-8") as file:
        exec(file.read(), version)  # assigns names only
    return {
        "torch_dir": folder,
        "torch_version": version["__version__"],
        "torch_cuda": version.get("cuda") or "",
    }


def cuda_major(folder):
    """The major version in folder/include/cuda.h, 0 where there is none."""
    try:
        with open(os.path.join(folder, "include", "cuda.h"), encoding="utf-8") as file:
            match = re.search(r"#define CUDA_VERSION (\d+)", file.read())
            return int(match.group(1)) // 1000 if match else 0
    except OSError:
        return 0


def cuda_facts(cuda):
    """The CUDA of torch's major version: the wheels' folder or an installed toolkit, rather one with nvcc."""
    major = int(cuda.split(".")[0])
    nvidia = importlib.util.find_spec("nvidia")
    places = list(nvidia.submodule_search_locations) if nvidia else []
    nvcc = shutil.which("nvcc")
    folders = [os.environ.get("CUDA_HOME", "")]
    folders += [os.path.join(place, f"cu{major}") for place in places]
    folders += [f"/usr/local/cuda-{cuda}", "/usr/local/cuda"]
    folders += [os.path.dirname(os.path.dirname(os.path.realpath(nvcc)))] if nvcc else []
    folders += sorted(glob.glob(f"/usr/local/cuda-{major}.*"), reverse=True)
    # Our own toolkit folder stands over wheels that are looked at anyway.
    fitting = [f for f in folders if f and not f.endswith("/.toolkit") and cuda_major(f) == major]
    with_nvcc = [f for f in fitting if os.access(os.path.join(f, "bin", "nvcc"), os.X_OK)]
    return {
        "cuda_dir": (with_nvcc + fitting + [""])[0],
        "nvcc": os.path.join(with_nvcc[0], "bin", "nvcc") if with_nvcc else "",
    }


def facts():
    found = {
        "executable": sys.executable,
        "version": "%d.%d" % sys.version_info[:2],
        "python_include": sysconfig.get_paths()["include"],
        "extension_suffix": sysconfig.get_config_var("EXT_SUFFIX"),
        "torch_dir": "",
        "torch_version": "",
        "torch_cuda": "",
        "cuda_dir": "",
        "nvcc": "",
    }
    found.update(torch_facts())
    if found["torch_cuda"]:
        found.update(cuda_facts(found["torch_cuda"]))
    return found


def missing():
    found = facts()
    if sys.version_info < OLDEST_PYTHON:
        yield f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer (it is {found['version']})"
    if not found["torch_version"].startswith(TORCH_SERIES):
        yield f"torch {TORCH_SERIES}x (it has {found['torch_version'] or 'none'})"
    elif not found["torch_cuda"]:
        yield "a torch built for CUDA"
    elif not found["nvcc"]:
        yield f"nvcc for CUDA {found['torch_cuda']}"
    for name in ("triton", "numpy"):
        if importlib.util.find_spec(name) is None:
            yield name
    if not os.path.exists(os.path.join(found["python_include"], "Python.h")):
        yield "Python.h"


if __name__ == "__main__":
    print(", ".join(missing()) if "--missing" in sys.argv[1:] else json.dumps(facts()))
