# SPDX-License-Identifier: Apache-2.0
"""run_clang_tidy.py UNITY_BUILD PLAIN_BUILD [--jobs N]: clang-tidy over our sources.

In two passes, which saves much of the time: the checks by syntax read the sources of UNITY_BUILD, where headers
are parsed once for many; the static analyzer, which follows paths in main files only, reads those of PLAIN_BUILD
one by one."""

import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADERS = "(schemas|sandbox|engine|tools|mcp|tests)/"
# A unity source includes sources, which these two checks take for headers.
OF_INCLUDES = "bugprone-suspicious-include,google-global-names-in-headers"
BY_SYNTAX = "-clang-analyzer-*," + ",".join(f"-{name}" for name in OF_INCLUDES.split(","))
ANALYZER = f"-*,clang-analyzer-core.*,clang-analyzer-cplusplus.*,clang-analyzer-unix.*,{OF_INCLUDES}"


def sources(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        return sorted({entry["file"] for entry in json.load(file)})


def check(tool, build, checks, path):
    command = [tool, "-p", build, "--quiet", f"--checks={checks}", f"--header-filter={ROOT}/{HEADERS}", path]
    outcome = subprocess.run(command, capture_output=True, text=True)
    return path, outcome.returncode, outcome.stdout.strip() or outcome.stderr.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("unity_build")
    parser.add_argument("plain_build")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    tool = shutil.which("clang-tidy")
    if tool is None:
        sys.exit("clang-tidy is not installed")
    work = [(arguments.unity_build, BY_SYNTAX, path) for path in sources(arguments.unity_build)]
    work += [(arguments.plain_build, ANALYZER, path) for path in sources(arguments.plain_build)]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = [pool.submit(check, tool, *item) for item in work]
        for number, run in enumerate(concurrent.futures.as_completed(runs), 1):
            path, status, text = run.result()
            failed += status != 0
            print(f"[{number}/{len(work)}] {os.path.relpath(path, ROOT)}", file=sys.stderr)
            if status != 0:
                print(text, flush=True)
    print(f"clang-tidy: {failed} of {len(work)} runs have findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
