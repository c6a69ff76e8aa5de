# SPDX-License-Identifier: Apache-2.0
"""Runs pytest on the files given; exits with 77 (ctest: skipped), saying why, where a module it needs is missing."""

import importlib.util
import sys

SKIPPED = 77


def main():
    needed = ["pytest"]
    arguments = []
    for argument in sys.argv[1:]:
        if argument.startswith("--need="):
            needed += [name for name in argument[len("--need=") :].split(",") if name]
        else:
            arguments.append(argument)
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        print(f"skipped: this Python ({sys.executable}) has no {', '.join(missing)}")
        return SKIPPED
    import pytest

    return int(pytest.main(["-q", "-p", "no:cacheprovider", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
