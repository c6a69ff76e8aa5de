# SPDX-License-Identifier: Apache-2.0
"""What ./dev says where it can do nothing: one line, and a status that is not 0."""

import os
import subprocess
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def dev(*arguments, **environment):
    return subprocess.run(
        ["bash", f"{ROOT}/dev", *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, "ASSAY_OFFLINE": "1", **environment})


class Dev(unittest.TestCase):
    def assert_one_line(self, outcome, *parts):
        self.assertNotEqual(outcome.returncode, 0)
        self.assertEqual(len(outcome.stderr.splitlines()), 1, outcome.stderr)
        for part in parts:
            self.assertIn(part, outcome.stderr)

    def test_help_lists_the_commands(self):
        outcome = dev("help")
        self.assertEqual(outcome.returncode, 0)
        for command in ("demo", "test", "serve", "stdio", "build", "lint", "check", "gpu-test", "deps"):
            self.assertIn(f"\n  {command}", outcome.stdout)

    def test_an_unknown_command(self):
        self.assert_one_line(dev("frobnicate"), "frobnicate", "./dev help")

    def test_a_chosen_python_without_torch(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder], check=True)
            outcome = dev("build", ASSAY_PYTHON=f"{folder}/bin/python3")
        self.assert_one_line(outcome, "ASSAY_PYTHON", "torch 2.11", "it has none")

    def test_a_chosen_python_that_is_none(self):
        self.assert_one_line(dev("build", ASSAY_PYTHON="/nowhere/python3"), "/nowhere/python3")


if __name__ == "__main__":
    unittest.main()
