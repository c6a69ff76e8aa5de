# SPDX-License-Identifier: Apache-2.0
import os

import pytest
from assay_process import BINARY, Assay


@pytest.fixture(scope="session")
def assay():
    """One healthy server that all tests share; it must survive each of them."""
    assert os.path.exists(BINARY), f"{BINARY} is not built"
    with Assay() as server:
        server.await_healthy()
        yield server


@pytest.fixture
def has_gpu(assay):
    return assay.get("/health").body["gpu_available"]
