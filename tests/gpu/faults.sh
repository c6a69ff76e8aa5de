#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The faults that only a GPU has, then those of tests/e2e with the GPU as the device.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
status=0
for file in tests/gpu/test_gpu_faults.py tests/e2e/test_faults.py tests/e2e/test_deaths.py; do
  "${ASSAY_PYTHON:-python3}" -m pytest -q -s -p no:cacheprovider "$file" || status=1
done
exit "$status"
