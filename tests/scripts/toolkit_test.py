# SPDX-License-Identifier: Apache-2.0
"""The folder that make_toolkit.py makes is a CUDA_HOME: host code links with -lcudart, nvcc builds."""

import ctypes
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

HOST_SOURCE = """
#include <cuda_runtime_api.h>
extern "C" int runtime_version() { int version = 0; cudaRuntimeGetVersion(&version); return version; }
"""
DEVICE_SOURCE = """
#include <cub/version.cuh>
__global__ void twice(float* values) { values[threadIdx.x] *= 2.0f; }
extern "C" int cub_version() { return CUB_VERSION; }
extern "C" void launch(float* values) { twice<<<1, 32>>>(values); }
"""


class Toolkit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.toolkit = os.path.join(cls.folder.name, "toolkit")
        cls.make()

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def make(cls):
        subprocess.run([sys.executable, "-I", f"{ROOT}/scripts/make_toolkit.py", cls.toolkit], check=True)

    def write(self, name, text):
        path = os.path.join(self.folder.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def test_a_second_making_changes_nothing(self):
        before = os.lstat(self.toolkit)
        self.make()
        after = os.lstat(self.toolkit)
        self.assertEqual((before.st_ino, before.st_mtime_ns), (after.st_ino, after.st_mtime_ns))

    def test_host_code_links_with_lcudart(self):
        library = os.path.join(self.folder.name, "libhost.so")
        libraries = os.path.join(self.toolkit, "lib64")
        subprocess.run(
            ["c++", "-shared", "-fPIC", self.write("host.cpp", HOST_SOURCE), "-o", library,
             f"-I{self.toolkit}/include", f"-L{libraries}", "-lcudart", f"-Wl,-rpath,{libraries}"],
            check=True)
        self.assertGreaterEqual(ctypes.CDLL(library).runtime_version(), 13000)

    def test_nvcc_builds_a_shared_library(self):
        library = os.path.join(self.folder.name, "libdevice.so")
        subprocess.run(
            [f"{self.toolkit}/bin/nvcc", "-arch=sm_90", "-shared", "-Xcompiler", "-fPIC",
             self.write("device.cu", DEVICE_SOURCE), "-o", library],
            check=True)
        self.assertGreater(ctypes.CDLL(library).cub_version(), 200000)


if __name__ == "__main__":
    unittest.main()
