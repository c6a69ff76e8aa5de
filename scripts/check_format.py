# SPDX-License-Identifier: Apache-2.0
"""check_format.py [--fix]: the C++ sources against .clang-format, by clang-format 14.

Other versions format a little differently: without version 14 this exits with 77 (skipped).
"""

import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDERS = ["schemas", "sandbox", "engine", "tools", "mcp", "tests", "examples"]
ENDINGS = (".cpp", ".h", ".cu", ".cuh")
VERSION = "14"
SKIPPED = 77


def formatter():
    for name in (f"clang-format-{VERSION}", "clang-format"):
        path = shutil.which(name)
        if path:
            text = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout
            if re.search(rf"version {VERSION}\.", text):
                return path
    return None


def sources():
    for folder in FOLDERS:
        for place, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(names):
                if name.endswith(ENDINGS):
                    yield os.path.relpath(os.path.join(place, name), ROOT)


def main():
    tool = formatter()
    if tool is None:
        print(f"skipped: clang-format {VERSION} is not installed")
        return SKIPPED
    files = sorted(sources())
    if not files:
        return 0
    action = ["-i"] if "--fix" in sys.argv[1:] else ["--dry-run", "--Werror"]
    outcome = subprocess.run([tool, *action, *files], cwd=ROOT, capture_output=True, text=True)
    faulty = sorted({line.split(":")[0] for line in outcome.stderr.splitlines() if ": error:" in line})
    for path in faulty:
        print(f"{path}: not formatted")
    if faulty:
        print("./dev lint --fix formats them")
    elif outcome.returncode != 0:
        print(outcome.stderr)
    else:
        print(f"format: {len(files)} files are right")
    return 1 if outcome.returncode != 0 else 0


if __name__ == "__main__":
    sys.exit(main())
