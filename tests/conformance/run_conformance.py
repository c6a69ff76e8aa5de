# SPDX-License-Identifier: Apache-2.0
"""The official MCP conformance suites against a real server: with its fixtures everything must hold; without them
only what a baseline names may fail. Exits with 77, saying why, where Node or the suites cannot be had."""

import argparse
import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import node_tools  # noqa: E402
from assay_process import BINARY, ROOT, Assay  # noqa: E402

SKIPPED = 77
SUITE_LIMIT_S = 120
FIXTURES = ["--conformance-fixtures"]


@dataclasses.dataclass
class Suite:
    """A version of the suite and what of it is run. `passed`: checks that hold with the fixtures on."""

    name: str
    package: str
    arguments: list
    passed: int


SUITES = [
    Suite("0.1.16-active", "conformance-stable", ["--suite", "active"], 40),
    Suite("0.2.0-alpha.12-2025-11-25", "conformance-next", ["--requirements", "2025-11-25"], 84),
    Suite("0.2.0-alpha.12-2026-07-28", "conformance-next", ["--requirements", "2026-07-28"], 155),
]


@dataclasses.dataclass
class Outcome:
    """What a run of the suite left: its exit status, what it printed, and (scenario, check) of each status."""

    status: int
    text: str
    checks: list
    unscored: set

    def of(self, status, scored=True):
        return [f"{scenario}:{check['id']}" for scenario, check in self.checks
                if check["status"] == status and (scenario not in self.unscored) == scored]

    def messages(self, *statuses):
        return [f"  {scenario}:{check['id']} ({check['status'].lower()}): {check.get('errorMessage', '')}"
                for scenario, check in self.checks
                if check["status"] in statuses and scenario not in self.unscored]


def run_program(tools, suite, *arguments):
    node, _ = node_tools.find_node()
    program = tools / "node_modules" / suite.package / "dist" / "index.js"
    done = subprocess.run([node, program, *arguments], capture_output=True, text=True, timeout=SUITE_LIMIT_S)
    return done.returncode, re.sub(r"\x1b\[\d*m", "", done.stdout + done.stderr)


def never_scored(tools, suite):
    """The scenarios that a revision's list runs without scoring them: extensions, pending ones, later additions."""
    if "--requirements" not in suite.arguments:
        return set()
    _, text = run_program(tools, suite, "list", *suite.arguments)
    _, _, tail = text.partition("Run and reported, but never scored:")
    return set(re.findall(r"^ +- (\S+) \[server\]$", tail, re.MULTILINE))


def run_suite(tools, suite, url, results, extra=()):
    shutil.rmtree(results, ignore_errors=True)
    status, text = run_program(tools, suite, "server", "--url", url, *suite.arguments, *extra, "-o", results)
    checks = []
    for file in sorted(results.glob("server-*/checks.json")):
        scenario = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", file.parent.name).group(1)
        checks += [(scenario, check) for check in json.loads(file.read_text())]
    return Outcome(status, text, checks, never_scored(tools, suite))


def faults_with_fixtures(suite, outcome):
    """Everything scored passes: no failure, no warning, and as many checks as there should be."""
    faults = outcome.messages("FAILURE", "WARNING")
    if outcome.status != 0:
        faults.append(f"  the suite exited with {outcome.status}")
    passed = len(outcome.of("SUCCESS")) + len(outcome.of("SUCCESS", scored=False))
    if passed < suite.passed:
        faults.append(f"  {passed} checks passed, {suite.passed} should")
    return faults


def faults_without_fixtures(suite, outcome):
    """The suite itself compares with the baseline: an unlisted failure and a listed success are both faults."""
    if outcome.status == 0 and outcome.checks:
        return []
    lines = [line for line in outcome.text.splitlines() if re.search(r"[Ss]tale|[Uu]nexpected|^\s+[✗✓] ", line)]
    return [f"  the suite exited with {outcome.status}", *lines[-40:]]


def report(name, outcome, faults, seconds):
    def counts(scored):
        return [len(outcome.of(status, scored)) for status in ("SUCCESS", "FAILURE", "WARNING")]

    scored, unscored = counts(True), counts(False)
    total = [one + other for one, other in zip(scored, unscored)]
    line = "{}: {} passed, {} failed, {} warnings".format(name, *total)
    if outcome.unscored:
        line += "; scored among them {}, {}, {}".format(*scored)
    print(f"{line} ({seconds:.1f} s){': NOT AS IT SHOULD BE' if faults else ''}", flush=True)
    for fault in faults:
        print(fault)


def run_all(tools, suites, fixtures):
    """True when each suite ended as it should."""
    good = True
    mode = "fixtures on" if fixtures else "fixtures off"
    results = ROOT / "build" / "conformance" / "results"
    with Assay(arguments=FIXTURES if fixtures else []) as server:
        url = f"http://127.0.0.1:{server.port}/mcp"
        for suite in suites:
            start = time.monotonic()
            extra = [] if fixtures else ["--expected-failures", HERE / "baselines" / f"{suite.name}.yml"]
            outcome = run_suite(tools, suite, url, results / f"{suite.name}-{'on' if fixtures else 'off'}", extra)
            judge = faults_with_fixtures if fixtures else faults_without_fixtures
            faults = judge(suite, outcome)
            report(f"{suite.name}, {mode}", outcome, faults, time.monotonic() - start)
            good = good and not faults
            if server.process.poll() is not None:
                print(f"the server ended: {server.process.returncode}\n{server.log()}")
                return False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", choices=[suite.name for suite in SUITES], help="only this one")
    parser.add_argument("--fixtures", choices=["on", "off"], help="only with them on, or off")
    arguments = parser.parse_args()
    try:
        node_tools.find_node()
        tools = node_tools.install(HERE, ROOT / "build" / "conformance")
    except node_tools.Missing as missing:
        print(f"skipped: {missing}")
        return SKIPPED
    if not pathlib.Path(BINARY).exists():
        print(f"{BINARY} is not built: run ./dev build")
        return 1
    suites = [suite for suite in SUITES if arguments.suite in (None, suite.name)]
    modes = [mode for mode in ("on", "off") if arguments.fixtures in (None, mode)]
    ended = [run_all(tools, suites, fixtures=mode == "on") for mode in modes]
    return 0 if all(ended) else 1


if __name__ == "__main__":
    sys.exit(main())
