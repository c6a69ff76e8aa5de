# SPDX-License-Identifier: Apache-2.0
"""Every answer to every problem of tests/problems over REST: right ones must be found correct, wrong ones incorrect.

    problems.py [--only TEXT] [--type TYPE] [--list] [--seconds N] [--at-once N]

Without a GPU, what needs one is only compiled. The verdict and the worst element or the speed-up of each answer, then the
total, are printed.
"""

import argparse
import concurrent.futures
import os
import sys
import time

import problem_set
from assay_process import Assay, kernel

TRIALS = 20
TIMEOUT_S = 170
# Further mistakes than the first of each source are left out when this long has gone by.
SECONDS = 390
# Requests that only wait for nvcc and must not keep others from the device.
TORCH_CUDA_WAITING = 8
# Compiled longest, sent first: the others run meanwhile.
ORDER = ("torch_cuda", "triton", "cuda", "multi_kernel", "torch")
ONLY_COMPILED_WITHOUT_GPU = ("cuda", "torch_cuda")


class Sent:
    """One answer's verdict as the server gave it.

    wanted   the verdict code that is right here
    passed   whether it came; None where the answer was left out
    """

    def __init__(self, answer, wanted):
        self.answer, self.wanted = answer, wanted
        self.passed, self.code, self.seconds, self.shown = None, "left out", 0.0, ""

    def line(self):
        mark = {True: "ok    ", False: "FAILED", None: "-     "}[self.passed]
        return f"{mark} {self.answer.name:<84} {self.code:<13} {self.seconds:6.2f} s  {self.shown}"


def wanted_verdict(answer, has_gpu):
    if not has_gpu and answer.kernel_type in ONLY_COMPILED_WITHOUT_GPU:
        return "compiled_only"
    return answer.verdict


def send(server, problem, sent):
    start = time.monotonic()
    answer = server.post("/compare", {
        "ref_kernel": kernel(problem), "custom_kernel": sent.answer.kernel(), "num_trials": TRIALS, "timeout": TIMEOUT_S})  # fmt: skip
    sent.seconds = time.monotonic() - start
    body = answer.body
    sent.code = body.get("verdict", {}).get("code", f"HTTP {answer.status}")
    sent.passed = sent.code == sent.wanted
    sent.shown = shown(body) if sent.passed else repr(answer)[:3000]


def shown(body):
    """The worst element of a wrong answer, the speed-up of a right one, the registers of a compiled one."""
    worst, timing = body["checks"]["worst"], body["timing"]
    if body["verdict"]["code"] == "incorrect" and worst:
        where = (worst["output_name"] or f"output {worst['output']}") + str(worst["index"])
        return f"{where}: got {figure(worst['got'])}, want {figure(worst['want'])}, allowed {figure(worst['allowed'])}"
    if timing["speedup"]:
        return f"{timing['speedup']:.2f}x"
    if body["compile"] and body["compile"][0]["kernels"]:
        return f"{body['compile'][0]['kernels'][0]['registers']} registers"
    return timing["unavailable_reason"] or ""


def figure(value):
    return value if isinstance(value, str) else f"{value:.6g}"


def chosen(only="", kernel_type=""):
    """(answers that must run, further mistakes), each in the order in which they are sent."""
    first, further = [], []
    for problem in problem_set.problems():
        seen = set()
        for answer in problem_set.answers(problem):
            if only not in answer.name or kernel_type not in ("", answer.kernel_type):
                continue
            new = answer.mistake is None or answer.kernel_type not in seen
            (first if new else further).append(answer)
            if answer.mistake:
                seen.add(answer.kernel_type)
    for answers in (first, further):
        answers.sort(key=lambda answer: ORDER.index(answer.kernel_type))
    return first, further


def evaluate(server, first, further, seconds, at_once, report=print):
    """Sends them all, at most `at_once` at a time; a list of Sent."""
    has_gpu = server.get("/health").body["gpu_available"]
    problems, start, results = problem_set.problems(), time.monotonic(), []

    def work(sent, may_be_left_out):
        if sent.answer.only_on_a_gpu and not has_gpu:
            sent.shown = "shows on a GPU only"
        elif may_be_left_out and time.monotonic() - start > seconds:
            sent.shown = "no time was left"
        else:
            send(server, problems[sent.answer.problem], sent)
        return sent

    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        tasks = [pool.submit(work, Sent(answer, wanted_verdict(answer, has_gpu)), answers is further)
                 for answers in (first, further) for answer in answers]  # fmt: skip
        for task in concurrent.futures.as_completed(tasks):
            results.append(task.result())
            report(results[-1].line())
    return results


def summary(results, seconds):
    by_type = []
    for kernel_type in ORDER:
        of_type = [sent for sent in results if sent.answer.kernel_type == kernel_type and sent.passed is not None]
        if of_type:
            by_type.append(f"{kernel_type} {sum(sent.passed for sent in of_type)} of {len(of_type)}")
    ran = [sent for sent in results if sent.passed is not None]
    left_out = len(results) - len(ran)
    return (f"{sum(sent.passed for sent in ran)} of {len(ran)} verdicts as expected for "
            f"{len({sent.answer.problem for sent in ran})} problems in {seconds:.0f} s ({', '.join(by_type)})"
            + (f"; {left_out} left out" if left_out else ""))  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="answers whose line in --list holds TEXT")
    parser.add_argument("--type", default="", choices=ORDER, help="answers of one kernel type")
    parser.add_argument("--list", action="store_true", help="name the answers and send nothing")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="when no further mistakes are begun")
    parser.add_argument("--at-once", type=int, default=(os.cpu_count() or 4) + TORCH_CUDA_WAITING, help="requests at a time")
    options = parser.parse_args()
    first, further = chosen(options.only, options.type)
    if options.list:
        for answer in sorted(first + further, key=lambda answer: answer.name):
            print(answer.name)
        return 0
    if not first and not further:
        print(f"no answer's name holds '{options.only}': --list shows them all")
        return 1
    start = time.monotonic()
    with Assay() as server:
        server.await_healthy()
        results = evaluate(server, first, further, options.seconds, options.at_once, lambda line: print(line, flush=True))
    print(summary(results, time.monotonic() - start))
    return 1 if any(sent.passed is False for sent in results) else 0


if __name__ == "__main__":
    sys.exit(main())
