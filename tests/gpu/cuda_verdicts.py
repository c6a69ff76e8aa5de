# SPDX-License-Identifier: Apache-2.0
"""The example comparisons of cuda kernels with torch on a GPU: each verdict, and figures that can be true."""

import json
import sys

from assay_process import Assay, example

# A copy of 12 MiB cannot be faster than the fastest memory there is.
LEAST_VECTOR_ADD_MS = 12.6e6 / 10e12 * 1e3
EXPECTED = {
    "vector_add_right": "correct", "vector_add_wrong": "incorrect",
    "matmul_right": "correct", "matmul_wrong": "incorrect",
    "softmax_right": "correct", "softmax_wrong": "incorrect", "linear_gelu": "correct",
}


def check(name, answer):
    code = answer["verdict"]["code"]
    assert code == EXPECTED[name], answer["summary"]
    if "_wrong" in name:
        worst = answer["checks"]["worst"]
        assert worst and (isinstance(worst["error"], str) or worst["error"] > worst["allowed"]), worst
        return
    timing = answer["timing"]
    assert timing["candidate"] and timing["reference"], timing["unavailable_reason"]
    assert timing["candidate"]["method"] == timing["reference"]["method"]
    assert answer["checks"]["calls_checked"] >= 100 and answer["checks"]["calls_failed"] == 0
    if name == "vector_add_right":
        assert timing["candidate"]["stats"]["min"] > LEAST_VECTOR_ADD_MS
        assert timing["candidate"]["stats"]["median"] < 1, "a vector add of 4 MiB arrays takes microseconds"
    if answer["compile"]:
        assert answer["compile"][0]["kernels"][0]["registers"] > 0


def main():
    failed = 0
    with Assay() as server:
        health = server.await_healthy()
        assert health["gpu_available"], health
        print(json.dumps(health["devices"], indent=1))
        for name in EXPECTED:
            message = server.call_tool(*example(name))
            result = message["result"]
            assert not result["isError"], message
            answer = result["structuredContent"]
            print(f"--- {name}\n{answer['summary']}")
            for key in ("candidate", "reference"):
                if answer["timing"][key]:
                    print(f"{key}: {json.dumps(answer['timing'][key])}")
            for other in answer["timing"]["candidate_other"] + answer["timing"]["reference_other"]:
                print(f"beside it: {json.dumps(other)}")
            try:
                check(name, answer)
            except AssertionError as error:
                failed += 1
                print(f"FAILED {name}: {error}\n{json.dumps(answer)[:6000]}")
    print(f"{len(EXPECTED) - failed} of {len(EXPECTED)} verdicts as expected")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
