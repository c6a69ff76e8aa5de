#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cancelling a job that holds the GPU, in each way that a client has.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"${ASSAY_PYTHON:-python3}" -m pytest -q -s -p no:cacheprovider tests/gpu/test_gpu_cancellation.py
