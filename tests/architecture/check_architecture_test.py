# SPDX-License-Identifier: Apache-2.0
"""Feeds check_architecture.py small trees: each rule must find its fault, and none where there is none."""

import os
import tempfile
import unittest

from check_architecture import faults_of

GOOD = {
    "schemas/kernel.h": '#include <string>\n#include <nlohmann/json.hpp>\n',
    "sandbox/spawn.cpp": '#include "sandbox/spawn.h"\n#include "schemas/kernel.h"\n',
    "sandbox/spawn.h": "",
    "engine/engine.h": '#include "schemas/kernel.h"\n',
    "engine/judge/judge.cpp": '#include <ATen/core/Tensor.h>\n#include <cuda.h>\n#include "sandbox/spawn.h"\n',
    "engine/python/module.cpp": "#include <pybind11/pybind11.h>\n",
    "mcp/server.cpp": '#include <httplib.h>\n#include "tools/registry.h"\n',
    "tools/registry.h": '#include "engine/engine.h"\n',
    "tests/engine/engine_test.cpp": '#include <catch2/catch.hpp>\n#include "mcp/server.h"\n',
    "engine/README.md": "one line\n",
}
GOOD_GRAPH = [
    {"target": "assay_import_torch_cpu", "folder": "", "links": []},
    {"target": "assay_import_httplib", "folder": "", "links": []},
    {"target": "assay_schemas", "folder": "schemas", "links": []},
    {"target": "assay_engine", "folder": "engine", "links": ["assay::schemas"]},
    {"target": "assay-judge", "folder": "engine/judge", "links": ["assay::engine", "assay::torch_cpu"]},
    {"target": "assay_mcp", "folder": "mcp", "links": ["assay::engine", "$<LINK_ONLY:assay::httplib>"]},
]


def faults(changes, graph=None):
    """The faults of the good tree with some files replaced."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**GOOD, **changes}.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                file.write(text)
        return faults_of(root, graph)


def graph_with(target, **changes):
    return [{**entry, **(changes if entry["target"] == target else {})} for entry in GOOD_GRAPH]


class Includes(unittest.TestCase):
    def assert_only(self, found, *parts):
        self.assertEqual(len(found), 1, found)
        for part in parts:
            self.assertIn(part, found[0])

    def test_a_good_tree_has_no_faults(self):
        self.assertEqual(faults({}, GOOD_GRAPH), [])

    def test_an_include_against_the_arrow(self):
        found = faults({"schemas/kernel.h": '#include <string>\n#include "engine/engine.h"\n'})
        self.assert_only(found, "schemas/kernel.h:2: arrow:", "engine/engine.h")

    def test_an_include_against_the_arrow_in_angle_brackets(self):
        self.assert_only(faults({"sandbox/spawn.h": "#  include <tools/registry.h>\n"}), "arrow:")

    def test_an_include_beside_the_file(self):
        self.assert_only(faults({"sandbox/spawn.cpp": '#include "spawn.h"\n'}), "paths:", "spawn.h")

    def test_httplib_outside_mcp(self):
        self.assert_only(faults({"tools/registry.h": "#include <httplib.h>\n"}), "http:")

    def test_device_headers_in_the_front(self):
        for name in ("cuda.h", "cuda_runtime.h", "cupti.h", "nvrtc.h", "nvml.h", "torch/torch.h",
                     "ATen/core/Tensor.h", "c10/util/Half.h", "Python.h", "pybind11/pybind11.h"):
            with self.subTest(name):
                self.assert_only(faults({"engine/cache.cpp": f"#include <{name}>\n"}), "front:", name)

    def test_a_device_header_through_one_of_ours(self):
        found = faults({
            "engine/judge/tensors.h": "#include <ATen/core/Tensor.h>\n",
            "mcp/server.cpp": '#include "engine/judge/tensors.h"\n',
        })
        self.assert_only(found, "engine/judge/tensors.h:1: front:", "mcp/server.cpp ->")


class Sizes(unittest.TestCase):
    def test_a_long_source_file(self):
        self.assertEqual(faults({"engine/long.cpp": "\n" * 400}), [])
        self.assertIn("size: 401 lines", faults({"engine/long.cpp": "\n" * 401})[0])
        self.assertIn("size: 401 lines", faults({"tests/long.py": "\n" * 401})[0])

    def test_a_long_readme(self):
        self.assertIn("size: 41 lines", faults({"engine/README.md": "\n" * 41})[0])


class Links(unittest.TestCase):
    def test_a_link_against_the_arrow(self):
        found = faults({}, graph_with("assay_schemas", links=["$<LINK_ONLY:assay::engine>"]))
        self.assertTrue(any("arrow: schemas must not link engine" in fault for fault in found), found)

    def test_httplib_linked_outside_mcp(self):
        found = faults({}, graph_with("assay_engine", links=["assay::httplib"]))
        self.assertTrue(any("http:" in fault for fault in found), found)

    def test_torch_linked_into_the_front_through_another_target(self):
        found = faults({}, graph_with("assay_schemas", links=["assay::torch_cpu"]))
        self.assertTrue(any("front: mcp links torch_cpu" in fault for fault in found), found)


if __name__ == "__main__":
    unittest.main()
