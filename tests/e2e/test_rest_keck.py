# SPDX-License-Identifier: Apache-2.0
"""Keck's routes against the real server: right and wrong kernels, both encodings of a form."""

import urllib.parse
import uuid

import pytest

MODEL = """
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.randn(64))
    def forward(self, x):
        return torch.relu(x) * self.scale
def get_inputs():
    return [torch.randn(64, 64)]
def get_init_inputs():
    return []
"""
# Its weights are other random numbers until they are copied by their names; it is longer than a library's form may be.
RIGHT = "#" + "x" * 200_000 + "\n" + MODEL.replace("class Model(", "class ModelNew(").replace("torch.relu(x)", "x.clamp(min=0)")
WRONG = RIGHT.replace("min=0", "min=0.5")
ROUTES = {"/compute_score": ("torch_code", "cuda_code"), "/check_torch": ("gt_torch", "to_check_torch")}


def url_encoded(fields):
    return "application/x-www-form-urlencoded", urllib.parse.urlencode(fields).encode()


def multipart(fields):
    boundary = uuid.uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
             for name, value in fields.items()]
    return f"multipart/form-data; boundary={boundary}", ("".join(parts) + f"--{boundary}--\r\n").encode()


def send(assay, route, fields, encoding=multipart):
    content_type, body = encoding(fields)
    return assay.post(route, raw=body, headers={"Content-Type": content_type})


def judged(assay, route, candidate, encoding=multipart, reference=MODEL):
    return send(assay, route, dict(zip(ROUTES[route], (reference, candidate))), encoding)


@pytest.mark.parametrize("encoding", (multipart, url_encoded))
@pytest.mark.parametrize("route", ROUTES)
def test_a_right_and_a_wrong_kernel(assay, route, encoding):
    right = judged(assay, route, RIGHT, encoding)
    assert right.status == 200 and set(right.body) == {"formated", "compiled", "passed", "msg"}, right
    assert right.body["formated"] is right.body["compiled"] is right.body["passed"] is True, right
    if route == "/compute_score":
        figures = right.body["msg"]
        assert 0 < figures["cuda_time"] < 1 and 0 < figures["torch_time"] < 1, figures
        assert figures["speedup"] == pytest.approx(figures["torch_time"] / figures["cuda_time"], rel=0.2)
        assert figures["torch_profile"] is None and figures["torch_profile_unavailable"]
    wrong = judged(assay, route, WRONG, encoding)
    assert wrong.status == 200 and wrong.body["compiled"] is True and wrong.body["passed"] is False, wrong
    assert wrong.body["msg"].startswith("failed: test error: "), wrong


def test_a_form_has_a_limit(assay):
    answer = assay.post("/check_torch", raw=b"", headers={"Content-Type": "application/x-www-form-urlencoded",
                                                          "Content-Length": str((8 << 20) + 1)})
    assert answer.status == 413, answer


def test_a_kernel_that_does_not_compile(assay):
    head = "import torch\nfrom torch.utils.cpp_extension import load_inline\n"
    broken = head + 'load_inline("broken", "int f( { return nothing; }", no_implicit_headers=True)\n' + RIGHT
    answer = judged(assay, "/compute_score", broken)
    assert answer.status == 200 and answer.body["formated"] is True, answer
    assert answer.body["compiled"] is answer.body["passed"] is False, answer
    message = answer.body["msg"]
    assert message.startswith("failed: compilation error: ") and "error:" in message and len(message) < 2000, message
    assert "/tmp" not in message, message


def test_what_is_missing(assay):
    for route, (reference, candidate) in ROUTES.items():
        for fields in ({}, {reference: MODEL}, {candidate: RIGHT}, {reference: MODEL, candidate: ""}):
            answer = send(assay, route, fields, url_encoded)
            assert answer.status == 200 and answer.body["formated"] is answer.body["passed"] is False, answer
            assert isinstance(answer.body["msg"], str) and answer.body["msg"], answer
    assert send(assay, "/compute_score", {}).body["msg"] == "Cannot find cuda code block"
    broken = assay.post("/check_torch", raw=b"--x", headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert broken.status == 400 and broken.body["status"] == "client_error", broken


def test_healthz(assay):
    health = assay.get("/healthz").body
    assert health["ray_initialized"] is True
    gpus = assay.get("/health").body["gpu_count"]
    assert health["cluster_resources"]["GPU"] == health["available_resources"]["GPU"] == gpus
    assert health["cluster_resources"]["CPU"] >= health["available_resources"]["CPU"] >= 0
