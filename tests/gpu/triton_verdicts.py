# SPDX-License-Identifier: Apache-2.0
"""The example comparisons of triton kernels with torch on a GPU: verdict, tier and its reason, and what autotuning chose."""

import json
import sys

from assay_process import Assay, example

# name: (verdict, tier)
EXPECTED = {
    "softmax_triton_right": ("correct", "device"),
    "softmax_triton_wrong": ("incorrect", "device"),
    "matmul_triton_autotuned": ("correct", "host"),
}


def check(name, answer, again):
    verdict, tier = EXPECTED[name]
    assert answer["verdict"]["code"] == verdict, answer["summary"]
    assert answer["tier"] == tier, answer["tier"]
    assert answer["compile"][0]["tool"].startswith("triton "), answer["compile"]
    assert answer["compile"][0]["cache_hit"] == again
    assert bool(answer["tier_reason"]) == (tier == "host"), answer["tier_reason"]
    if tier == "device":
        assert answer["compile"][0]["kernels"][0]["registers"] > 0
    else:
        tuning = answer["autotune"][0]
        assert tuning["chosen"].startswith("BLOCK_M"), tuning
        assert tuning["chosen"] in [trial["config"] for trial in tuning["trials"] if trial["ms"] > 0], tuning
    if verdict == "correct":
        timing = answer["timing"]
        assert timing["candidate"] and timing["reference"], timing["unavailable_reason"]
        assert answer["checks"]["calls_checked"] >= 100 and answer["checks"]["calls_failed"] == 0


def main():
    failed = 0
    with Assay() as server:
        health = server.await_healthy()
        assert health["gpu_available"], health
        for name in EXPECTED:
            for again in (False, True):
                tool, arguments = example(name)
                result = server.call_tool(tool, {**arguments, "fresh": True})["result"]
                assert not result["isError"], result
                answer = result["structuredContent"]
                print(f"--- {name}{' again' if again else ''}\n{answer['summary']}")
                print(json.dumps({key: answer[key] for key in ("tier", "tier_reason", "warnings", "compile", "stages")}))
                try:
                    check(name, answer, again)
                except AssertionError as error:
                    failed += 1
                    print(f"FAILED {name}: {error}\n{json.dumps(answer)[:6000]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
