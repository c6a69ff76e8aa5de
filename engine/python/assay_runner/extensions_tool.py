# SPDX-License-Identifier: Apache-2.0
"""Builds extensions by hand: `python -m assay_runner.extensions_tool`, with the folder above the package in PYTHONPATH.

extensions_tool SOURCE.py [--ways split,slim,stock] [--architecture sm_90] [--out DIR]
    records SOURCE's calls of load_inline and load, builds each, prints which way it went and what each stage took
extensions_tool --prepare DIR
    makes the precompiled header and the libraries that split builds share (the build of this project calls it)
"""

import argparse
import concurrent.futures
import json
import os
import shutil
import sys
import tempfile
import time


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", nargs="?")
    parser.add_argument("--ways", default="")
    parser.add_argument("--architecture", default="sm_90")
    parser.add_argument("--out")
    parser.add_argument("--prepare", metavar="DIR")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="extensions-") as folder:
        if arguments.prepare:
            return prepare(arguments.prepare, folder)
        return build(arguments, folder)


def prepare(target, folder):
    from assay_runner import extensions_build, split_build

    toolkit = extensions_build.Toolkit(os.environ.get("CUDA_HOME", "/usr/local/cuda"), folder)
    split_build.prepare(toolkit, os.path.abspath(target), lambda command: extensions_build._run(command, folder))
    return 0


def build(arguments, folder):
    from assay_runner import extensions_build, extensions_recording

    with open(arguments.source, encoding="utf-8") as file:
        source = file.read()
    ways = tuple(extensions_build.WAYS[way] for way in arguments.ways.split(",") if way) or None
    toolkit = extensions_build.Toolkit(os.environ.get("CUDA_HOME", "/usr/local/cuda"), folder)
    source_folder = os.path.join(folder, "source")
    os.mkdir(source_folder)
    recording = extensions_recording.record(source, arguments.architecture, {}, source_folder)
    builds, failed = [], 0
    with concurrent.futures.ThreadPoolExecutor(extensions_build.parallel()) as pool:

        for number, (call, _) in enumerate(recording.calls):
            place = os.path.join(folder, str(number))
            builds.append((extensions_build.Build(call, arguments.architecture, toolkit, place, pool, ways), time.monotonic()))
        for made, begin in builds:
            line = {"name": made.call.name}
            try:
                built = made.finish()
                stages = {name: round(seconds, 2) for name, seconds in built.stages.items()}
                line.update(way=built.way, stages=stages, not_split=built.not_split, kernels=len(built.kernels))
                if arguments.out:
                    os.makedirs(arguments.out, exist_ok=True)
                    with open(os.path.join(arguments.out, made.call.name + ".so"), "wb") as file:
                        file.write(built.library)
            except extensions_build.Failed as failure:
                failed, line["error"] = 1, str(failure)
            line["seconds"] = round(time.monotonic() - begin, 2)
            print(json.dumps(line))
        if arguments.out:
            shutil.rmtree(toolkit.links)
            shutil.copytree(folder, os.path.join(arguments.out, "work"), dirs_exist_ok=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
