# SPDX-License-Identifier: Apache-2.0
"""Every REST route and status rule against the real server."""

import math

from assay_process import kernel

REFERENCE = """
import torch
def f(x):
    return torch.relu(x)
def get_inputs():
    return [torch.randn(64, 64)]
"""
RIGHT = """
import torch
def f(x):
    return x.clamp(min=0)
"""
WRONG = """
import torch
def f(x):
    return torch.where(x > 1, x, torch.zeros_like(x))
"""
CUDA = 'extern "C" __global__ void twice(const float* x, float* y, int n) {\n' \
       "  int i = blockIdx.x * blockDim.x + threadIdx.x;\n  if (i < n) y[i] = 2 * x[i];\n}\n"
CUDA_IO = {
    "args": [
        {"name": "x", "type": "tensor", "tensor_spec": {"shape": [256], "init": {"kind": "ones"}}},
        {"name": "y", "type": "tensor", "tensor_spec": {"shape": [256]}, "role": "output"},
        {"name": "n", "type": "int", "value": 256},
    ],
    "launch": {"grid": {"x": 1}, "block": {"x": 256}},
}


def compare(assay, candidate, path="/compare", **options):
    return assay.post(path, {
        "ref_kernel": kernel(REFERENCE, function_name="f"),
        "custom_kernel": kernel(candidate, function_name="f"), "num_trials": 20, **options})


def test_compare_right_and_wrong(assay):
    right = compare(assay, RIGHT)
    assert right.status == 200, right
    result = right.body["kernel_exec_result"]
    assert right.body["status"] == "success" and result["compiled"] and result["correctness"]
    for stats in (result["runtime_stats"], right.body["ref_runtime"]):
        assert 0 < stats["min"] <= stats["median"] <= stats["percentile_95"] <= stats["max"]
    assert result["runtime"] == result["runtime_stats"]["mean"]
    assert result["metadata"]["kernel_type"] == "torch"

    page = assay.get(f"/job/{right.body['job_id']}?section=samples").body
    rows = [line.split(",") for line in page["text"].splitlines()]
    stats = right.body["timing"]["candidate"]["stats"]
    samples = [float(ms) for side, _, kind, ms in rows[1:] if (side, kind) == ("candidate", stats["kind"])]
    assert rows[0] == ["side", "method", "kind", "ms"] and len(samples) == stats["n"], page
    assert math.isclose(max(samples), stats["max"]) and {row[0] for row in rows[1:]} == {"candidate", "reference"}
    wrong = compare(assay, WRONG)
    assert wrong.status == 200, wrong
    assert wrong.body["kernel_exec_result"]["correctness"] is False
    assert wrong.body["kernel_exec_result"]["validation_error"]


def test_the_whole_compile_log_is_had_from_the_job(assay):
    wrong = "\n".join(f"__global__ void k{i}(int* x) {{ *x = missing_{i}; }}" for i in range(300))
    answer = assay.post("/evaluate", {"kernel": kernel(wrong, "cuda", CUDA_IO)})
    error = answer.body["kernel_exec_result"]["compilation_error"]
    assert answer.status == 200 and len(error) <= 4_000 and error.startswith("kernel.cu(1): error"), answer
    assert "compile_log" in error, error
    text, cursor = "", 0
    while cursor is not None:
        page = assay.get(f"/job/{answer.body['job_id']}?section=compile_log&cursor={cursor}").body
        text, cursor = text + page["text"], page["next_cursor"]
    assert all(name in text for name in ("missing_0", "missing_98")) and len(text) > 8_000, text[-500:]
    # By nvcc too, confined.
    answer = assay.post("/evaluate", {"kernel": kernel(CUDA, "cuda", CUDA_IO, backend="nvcc", jitify=True)})
    assert answer.body["kernel_exec_result"]["compiled"] is True, answer
    report = answer.body["compile"][0]
    assert report["tool"].startswith("nvcc ") and report["kernels"][0]["occupancy"] == 1.0, report
    cache = assay.get("/stats").body["compilation_metrics"]["cache"]
    assert cache["misses"] >= 2 and cache["entries"] >= 1 and cache["bytes"] > 0, cache


def test_evaluate_without_a_reference_says_unchecked(assay):
    answer = assay.post("/evaluate", {"kernel": kernel(REFERENCE, function_name="f"), "num_trials": 10})
    assert answer.status == 200, answer
    assert answer.body["kernel_exec_result"]["correctness"] is True
    assert answer.body["verdict"]["code"] == "ran_unchecked"


def test_evaluate_cuda(assay, has_gpu):
    answer = assay.post("/evaluate", {"kernel": kernel(CUDA, "cuda", CUDA_IO)})
    assert answer.body["kernel_exec_result"]["compiled"] is True, answer
    assert answer.body["compile"][0]["kernels"][0]["registers"] > 0
    if has_gpu:
        assert answer.status == 200, answer
    else:  # compiled for real, then there is no GPU
        assert answer.status == 500, answer
        assert answer.body["status"] == "error" and answer.body["error"]
        assert answer.body["verdict"]["code"] == "compiled_only"


def test_a_cuda_kernel_that_does_not_compile_is_200(assay):
    answer = assay.post("/evaluate", {"kernel": kernel(CUDA.replace("int n)", "int n"), "cuda", CUDA_IO)})
    assert answer.status == 200, answer
    assert answer.body["kernel_exec_result"]["compiled"] is False
    assert "error" in answer.body["kernel_exec_result"]["compilation_error"]


def test_the_root_takes_the_new_form_too(assay):
    assert compare(assay, RIGHT, path="/").body["kernel_exec_result"]["correctness"] is True
    legacy = assay.post("/", {"ref_code": "", "custom_code": "x"})
    assert legacy.status == 400 and legacy.body["validation_errors"][0]["path"] == "ref_code"


def test_health_stats_and_cleanup(assay):
    health = assay.get("/health")
    assert health.status == 200 and health.body["status"] == "healthy"
    assert health.body["compilation_service"] == health.body["profiling_service"] == "ready"
    assert health.body["gpu_count"] == sum(d["kind"] == "cuda" for d in health.body["devices"])
    assert health.headers["X-GPU-Type"]
    compare(assay, RIGHT)
    stats = assay.get("/stats").body
    assert stats["job_stats"]["completed"] >= 1 and stats["uptime_s"] > 0
    assert set(stats["compilation_metrics"]) >= {"success_rate", "average_time_s", "cache_hit_rate"}
    assert set(stats["profiling_metrics"]) >= {"average_time_s", "graph_capture_rate", "correctness_rate"}
    assert set(stats["throughput"]) >= {"requests_per_second", "average_latency_s", "active_jobs"}
    cleaned = assay.post("/admin/cleanup-jobs")
    assert cleaned.status == 200 and cleaned.body["removed_jobs"] == 0  # nothing is an hour old


def test_jobs(assay):
    job_id = compare(assay, RIGHT).body["job_id"]
    job = assay.get(f"/job/{job_id}")
    assert job.status == 200 and job.body["status"] == "completed"
    assert job.body["result"]["job_id"] == job_id and job.body["created_at"].endswith("Z")
    assert assay.get("/job/no-such-job").status == 404


def test_a_time_out_while_running_is_500_with_what_was_known(assay):
    endless = "def f(x):\n    while True: pass\n"
    answer = compare(assay, endless, timeout=3)
    assert answer.status == 500, answer
    assert answer.body["status"] == "error" and answer.body["error"]
    assert answer.body["verdict"]["code"] == "timed_out"
    assert answer.body["job_id"]
    assert answer.body["kernel_exec_result"]["compiled"] is True


def test_malformed_requests_are_400_with_paths(assay):
    def path_of(body, route="/evaluate"):
        answer = assay.post(route, body)
        assert answer.status == 400, answer
        assert answer.body["status"] == "client_error" and answer.body["error"]
        return answer.body["validation_errors"][0]["path"]

    good = kernel(RIGHT)
    assert path_of({}) == "kernel"
    assert path_of({"kernel": good, "num_trials": 0}) == "num_trials"
    assert path_of({"kernel": good, "num_trials": 10_001}) == "num_trials"
    assert path_of({"kernel": good, "timeout": 601}) == "timeout"
    assert path_of({"kernel": good, "num_trials": "ten"}) == "num_trials"
    assert path_of({"kernel": kernel(RIGHT, "opencl")}) == "kernel.kernel_type"
    assert path_of({"kernel": kernel(CUDA, "cuda")}) == "kernel.io"
    assert path_of({"ref_kernel": good}, "/compare") == "custom_kernel"
    broken = assay.post("/evaluate", raw=b"{")
    assert broken.status == 400 and broken.body["validation_errors"] == []


def test_what_is_not_ours(assay):
    for answer, status in ((assay.get("/nothing"), 404), (assay.get("/job/a/b"), 404), (assay.get("/evaluate"), 405),
                           (assay.post("/nothing", {}), 404), (assay.request("PUT", "/jobs", {}), 405)):
        assert answer.status == answer.body["status"] == status, answer
        assert answer.headers["Content-Type"] == "application/problem+json" and answer.body["detail"]
    assert assay.get("/evaluate").headers["Allow"] == "POST"
    assert assay.post("/evaluate", {}, headers={"Content-Type": "text/plain"}).status == 415
    assert assay.request("GET", "/health", headers={"Host": "evil.example.com"}).status == 403
    assert assay.request("GET", "/mcp").status == 405


def test_unknown_fields_are_told_as_warnings(assay):
    answer = compare(assay, RIGHT, no_such_field=1)
    assert answer.status == 200, answer
    assert any("no_such_field" in warning for warning in answer.body["warnings"])
