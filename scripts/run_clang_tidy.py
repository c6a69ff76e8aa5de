# SPDX-License-Identifier: Apache-2.0
"""run_clang_tidy.py BUILD_DIR [--jobs N]: clang-tidy over our sources in BUILD_DIR/compile_commands.json."""

import argparse
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HEADERS = "(schemas|sandbox|engine|tools|mcp|tests)/"


def check(tool, build, path):
    command = [tool, "-p", build, "--quiet", f"--header-filter={ROOT}/{HEADERS}", path]
    outcome = subprocess.run(command, capture_output=True, text=True)
    return path, outcome.returncode, outcome.stdout.strip() or outcome.stderr.strip()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    tool = shutil.which("clang-tidy")
    if tool is None:
        sys.exit("clang-tidy is not installed")
    with open(os.path.join(arguments.build, "compile_commands.json"), encoding="utf-8") as file:
        paths = sorted({entry["file"] for entry in json.load(file)})
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = [pool.submit(check, tool, arguments.build, path) for path in paths]
        for number, run in enumerate(concurrent.futures.as_completed(runs), 1):
            path, status, text = run.result()
            failed += status != 0
            print(f"[{number}/{len(paths)}] {os.path.relpath(path, ROOT)}", file=sys.stderr)
            if status != 0:
                print(text)
    print(f"clang-tidy: {failed} of {len(paths)} files have findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
