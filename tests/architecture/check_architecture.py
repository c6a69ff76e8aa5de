# SPDX-License-Identifier: Apache-2.0
"""Checks that the sources keep the architecture: check_architecture.py ROOT [--graph link_graph.json].

Prints one line per fault and exits with 1 when there is any. The rules:
  arrow     mcp -> tools -> engine -> sandbox -> schemas: no include and no link goes back
  paths     our headers are included by their path from the top, in quotes
  http      httplib.h only in mcp/ and tests/
  front     no CUDA, torch or Python header reaches the front, not through another header either
  size      a source file has at most 400 lines, a folder's README.md 40
"""

import argparse
import json
import os
import re
import sys

LAYERS = ["schemas", "sandbox", "engine", "tools", "mcp"]  # each may use those before it
WORKERS = [
    "engine/cuda",
    "engine/judge",
    "engine/runner",
    "engine/compiler",
    "engine/python",
    "sandbox/python",
]
SOURCE_FOLDERS = LAYERS + ["tests", "examples", "cmake", "scripts"]
SOURCE_ENDINGS = (".cpp", ".h", ".cu", ".cuh", ".py", ".sh", ".cmake")
MOST_SOURCE_LINES = 400
MOST_README_LINES = 40

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
DEVICE_HEADER = re.compile(
    r"(cuda|cupti|nvrtc|nvml|nvJitLink|nvperf|nvtx)\w*\.h$|(nvtx3|torch|ATen|c10|caffe2|pybind11|cub|thrust|cuda)/|Python\.h$"
)
DEVICE_TARGETS = {"torch_cpu", "cuda_headers", "python_headers"}


def layer_of(path):
    """The index of the layer that a path from the top lies in; None outside the layers."""
    top = path.split("/")[0]
    return LAYERS.index(top) if top in LAYERS else None


def in_front(path):
    """Whether a file or folder belongs to the process that clients talk to."""
    in_worker = any(path == worker or path.startswith(worker + "/") for worker in WORKERS)
    return layer_of(path) is not None and not in_worker


def source_files(root):
    for folder in SOURCE_FOLDERS:
        for place, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            for name in sorted(names):
                yield os.path.relpath(os.path.join(place, name), root)


def lines_of(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def includes_of(root, path):
    """(line number, quote, included name) of each include."""
    for number, line in enumerate(lines_of(root, path), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_size(root, files):
    for path in files:
        count = len(lines_of(root, path)) if path.endswith(SOURCE_ENDINGS + ("README.md",)) else 0
        most = MOST_README_LINES if path.endswith("README.md") else MOST_SOURCE_LINES
        if count > most:
            yield f"{path}: size: {count} lines, at most {most} are allowed"


def check_includes(path, includes):
    layer = layer_of(path)
    for number, quote, name in includes:
        place = f"{path}:{number}"
        target = layer_of(name)
        if layer is not None and target is not None and target > layer:
            yield f"{place}: arrow: {LAYERS[layer]} must not include {name}"
        if layer is not None and quote == '"' and target is None:
            yield f'{place}: paths: "{name}" must be named from the top, or in angle brackets'
        if os.path.basename(name) == "httplib.h" and not path.startswith(("mcp/", "tests/")):
            yield f"{place}: http: {name} belongs to mcp/"


def check_front(includes):
    """`includes` maps each file to its includes; follows those of ours."""
    for path in includes:
        if not in_front(path):
            continue
        seen, open_ends = {path}, [(path, path)]
        while open_ends:
            current, way = open_ends.pop()
            for number, _, name in includes[current]:
                if name in includes and name not in seen:
                    seen.add(name)
                    open_ends.append((name, f"{way} -> {name}"))
                elif name not in includes and DEVICE_HEADER.search(name):
                    yield f"{current}:{number}: front: {name} reaches the front ({way})"


def dependency_name(link):
    """assay::engine and $<LINK_ONLY:assay::engine> are the target assay_engine."""
    match = re.search(r"assay::(\w+)", link)
    return match.group(1) if match else re.sub(r"^assay_(import_)?", "", link)


def check_links(graph):
    folders = {dependency_name(entry["target"]): entry["folder"] for entry in graph}
    links = {
        dependency_name(entry["target"]): {dependency_name(link) for link in entry["links"]}
        for entry in graph
    }
    for name, folder in folders.items():
        layer = layer_of(folder)
        if layer is None:
            continue
        for dependency in sorted(links[name]):
            target = layer_of(folders.get(dependency, ""))
            if target is not None and target > layer:
                yield f"{folder}/CMakeLists.txt: arrow: {name} must not link {dependency}"
            if dependency == "httplib" and folder.split("/")[0] != "mcp":
                yield f"{folder}/CMakeLists.txt: http: {name} must not link httplib"
        if in_front(folder):
            reached = reachable(name, links) & DEVICE_TARGETS
            for dependency in sorted(reached):
                yield f"{folder}/CMakeLists.txt: front: {name} links {dependency}, perhaps through another"


def reachable(start, links):
    seen, open_ends = set(), [start]
    while open_ends:
        for name in links.get(open_ends.pop(), ()):
            if name not in seen:
                seen.add(name)
                open_ends.append(name)
    return seen


def faults_of(root, graph=None):
    files = list(source_files(root))
    includes = {
        path: list(includes_of(root, path))
        for path in files
        if path.endswith((".cpp", ".h", ".cu", ".cuh"))
    }
    faults = list(check_size(root, files))
    for path, found in includes.items():
        faults += check_includes(path, found)
    faults += check_front(includes)
    if graph is not None:
        faults += check_links(graph)
    return sorted(set(faults))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--graph", help="link_graph.json of a build")
    arguments = parser.parse_args()
    graph = None
    if arguments.graph:
        with open(arguments.graph, encoding="utf-8") as file:
            graph = json.load(file)
    faults = faults_of(arguments.root, graph)
    for fault in faults:
        print(fault)
    print(f"architecture: {len(faults)} faults" if faults else "architecture: kept")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
