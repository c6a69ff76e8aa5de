# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document is valid and true: every example is accepted, every answer fits its schema. And /metrics, /docs."""

import json
import re

import jsonschema
import pytest
from assay_process import kernel
from test_rest_keck import multipart, url_encoded

METHODS = {"get", "post", "put", "delete", "patch"}
SOURCE = "import torch\ndef f(x):\n    return x * 2\ndef get_inputs():\n    return [torch.ones(8)]\n"
# What OpenAPI 3.1 demands of the parts that we use.
STRUCTURE = {
    "$defs": {
        "content": {"type": "object", "minProperties": 1, "additionalProperties": {
            "type": "object", "required": ["schema"], "additionalProperties": False,
            "properties": {"schema": {"type": "object"}, "examples": {"type": "object", "additionalProperties": {
                "type": "object", "required": ["value"], "additionalProperties": False,
                "properties": {"summary": {"type": "string"}, "value": True}}}}}},
        "parameter": {
            "type": "object", "required": ["name", "in", "schema"], "additionalProperties": False,
            "properties": {"name": {"type": "string"}, "in": {"enum": ["query", "path"]},
                           "description": {"type": "string"}, "required": {"type": "boolean"},
                           "schema": {"type": "object"}, "example": True},
            "if": {"properties": {"in": {"const": "path"}}},
            "then": {"required": ["required"], "properties": {"required": {"const": True}}}},
        "operation": {
            "type": "object", "required": ["operationId", "responses"], "additionalProperties": False,
            "properties": {
                "operationId": {"type": "string"}, "summary": {"type": "string"},
                "security": {"type": "array", "maxItems": 0},
                "tags": {"type": "array", "items": {"type": "string"}},
                "parameters": {"type": "array", "items": {"$ref": "#/$defs/parameter"}},
                "requestBody": {"type": "object", "required": ["content"], "additionalProperties": False,
                                "properties": {"required": {"type": "boolean"},
                                               "content": {"$ref": "#/$defs/content"}}},
                "responses": {"type": "object", "minProperties": 1, "additionalProperties": False,
                              "patternProperties": {"^[1-5][0-9][0-9]$": {
                                  "type": "object", "required": ["description"], "additionalProperties": False,
                                  "properties": {"description": {"type": "string"},
                                                 "content": {"$ref": "#/$defs/content"}}}}}}},
    },
    "type": "object", "required": ["openapi", "info", "paths"], "additionalProperties": False,
    "properties": {
        "security": {"const": [{"token": []}, {}]},
        "openapi": {"const": "3.1.0"},
        "info": {"type": "object", "required": ["title", "version"], "additionalProperties": False,
                 "properties": {"title": {"type": "string"}, "version": {"type": "string"},
                                "summary": {"type": "string"},
                                "license": {"type": "object", "required": ["name"]}}},
        "paths": {"type": "object", "additionalProperties": False, "patternProperties": {"^/": {
            "type": "object", "additionalProperties": False,
            "patternProperties": {f"^({'|'.join(METHODS)})$": {"$ref": "#/$defs/operation"}}}}},
        "components": {"type": "object", "additionalProperties": False,
                       "properties": {"schemas": {"type": "object", "additionalProperties": {"type": "object"}},
                                      "securitySchemes": {"const": {"token": {"type": "http", "scheme": "bearer"}}}}}},
}


@pytest.fixture(scope="module")
def document(assay):
    answer = assay.get("/openapi.json")
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    return answer.body


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def fits(document, instance, schema):
    jsonschema.validate(instance, {**schema, "components": document["components"]}, jsonschema.Draft202012Validator)


def answer_fits(document, method, path, answer):
    described = document["paths"][path][method]["responses"][str(answer.status)]["content"]
    kind = answer.headers["Content-Type"]
    matching = [value for name, value in described.items() if kind.split(";")[0] == name.split(";")[0]]
    assert matching, (kind, list(described))
    fits(document, answer.body, matching[0]["schema"])


def test_the_document_is_valid(document):
    jsonschema.validate(document, STRUCTURE, jsonschema.Draft202012Validator)
    try:
        from openapi_spec_validator import validate
        validate(document)
    except ImportError:
        print("openapi-spec-validator is not installed: only the parts above were checked")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z0-9._-]+", name)
    for _, path, operation in operations(document):
        declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), path


def test_every_example_of_a_body_is_accepted(assay, document):
    sent = 0
    for method, path, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            assert content["examples"], path
            for name, example in content["examples"].items():
                fits(document, example["value"], content["schema"])
                if kind == "application/json":
                    answer = assay.request(method.upper(), path, example["value"])
                else:
                    if kind.startswith("multipart") == (path == "/check_torch"):
                        continue  # the same example in the other encoding; Keck's own tests have both on both routes
                    encode = multipart if kind.startswith("multipart") else url_encoded
                    content_type, body = encode(example["value"])
                    answer = assay.request(method.upper(), path, raw=body, headers={"Content-Type": content_type})
                assert answer.status == 200, (path, kind, name, answer)
                # Other warnings are about the machine's other load.
                ignored = [text for text in answer.body.get("warnings") or () if "ignored" in text]
                assert answer.body.get("passed", True) is True and not ignored, (path, answer)
                answer_fits(document, method, path, answer)
                sent += 1
    assert sent == 6


def test_every_answer_without_a_body_fits_its_schema(assay, document):
    job_id = assay.post("/evaluate", {"kernel": kernel(SOURCE, function_name="f"), "num_trials": 5}).body["job_id"]
    for method, path, operation in operations(document):
        if "requestBody" in operation:
            continue
        examples = {p["name"]: p["example"] for p in operation.get("parameters", []) if "example" in p}
        query = "&".join(f"{name}={value}" for name, value in examples.items())
        target = path.replace("{job_id}", job_id) + ("?" + query if query else "")
        answer = assay.request(method.upper(), target)
        assert answer.status == 200, (target, answer)
        answer_fits(document, method, path, answer)


def test_errors_fit_their_schemas(assay, document):
    for method, path, target, body in (
            ("post", "/evaluate", "/evaluate", {}), ("post", "/", "/", {"ref_code": 1}), ("get", "/jobs", "/jobs?limit=0", None),
            ("get", "/job/{job_id}", "/job/none", None), ("get", "/job/{job_id}", "/job/none?wait=x", None),
            ("delete", "/job/{job_id}", "/job/none", None), ("get", "/job/{job_id}/events", "/job/none/events", None)):
        answer = assay.request(method.upper(), target, body)
        assert 400 <= answer.status < 500, answer
        answer_fits(document, method, path, answer)


SAMPLE = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')


def test_metrics_are_prometheus_text(assay):
    assay.get("/nothing")
    assay.post("/evaluate", {"kernel": kernel(SOURCE, function_name="f"), "num_trials": 5})
    answer = assay.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.body.endswith("\n")
    types, values, family = {}, {}, None
    for line in answer.body.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in types and len(line.split(" ", 3)[3]) > 5, line
        elif line.startswith("# TYPE "):
            assert line.split(" ")[2] == family
            types[family] = line.split(" ")[3]
        else:
            name, labels, value = SAMPLE.fullmatch(line).groups()
            ends = ("_bucket", "_sum", "_count") if types[family] == "histogram" else ("",)
            assert name in [family + end for end in ends], line
            assert (name, labels) not in values, line
            values[name, labels] = float(value)
            assert types[family] != "counter" or name.endswith("_total"), line
    assert set(types.values()) <= {"counter", "gauge", "histogram"}
    assert values["assay_jobs_total", 'kind="evaluate",kernel_type="torch",verdict="ran_unchecked"'] >= 1
    assert values["assay_http_requests_total", 'method="GET",route="other",status="404"'] >= 1
    assert values["assay_http_requests_total", 'method="POST",route="/evaluate",status="200"'] >= 1
    assert values["assay_ready", None] == 1 and values["assay_jobs_queued", None] == 0
    for stage in ("queued", "validating"):
        buckets = [value for (name, labels), value in values.items()
                   if name == "assay_stage_duration_seconds_bucket" and f'stage="{stage}"' in labels]
        assert buckets == sorted(buckets) and len(buckets) == 15, buckets
        assert buckets[-1] == values["assay_stage_duration_seconds_count", f'stage="{stage}"'] >= 1
    devices = assay.get("/stats").body["devices"]
    assert sum(name == "assay_device_leased" for name, _ in values) == len(devices)


def test_the_page_is_self_contained(assay, document):
    answer = assay.get("/docs")
    assert answer.status == 200 and answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", answer.body)
    assert len(answer.body) < 20_000 and json.dumps(document)  # what it shows comes from the document
    assert assay.request("HEAD", "/docs").status == 200
