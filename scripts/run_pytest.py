# SPDX-License-Identifier: Apache-2.0
"""Runs pytest on the files given; exits with 77 (ctest: skipped), saying why, where a module it needs is missing or
every test was skipped."""

import importlib.util
import sys

SKIPPED = 77


class Ran:
    """Counts the tests that were not skipped."""

    count = 0

    def pytest_runtest_logreport(self, report):
        self.count += report.when == "call" and not report.skipped or report.failed


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

    ran = Ran()
    code = int(pytest.main(["-q", "-rs", "-p", "no:cacheprovider", *arguments], plugins=[ran]))
    return SKIPPED if code == 0 and ran.count == 0 else code


if __name__ == "__main__":
    sys.exit(main())
