#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# triton kernels against torch: verdicts right and wrong, each in the tier that it is meant for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="tests/e2e:tests/gpu"
"${ASSAY_PYTHON:-python3}" tests/gpu/triton_verdicts.py
