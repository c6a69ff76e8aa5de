#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cuda kernels against torch: verdicts right and wrong, then how long a cold comparison takes beside stock torch.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="tests/e2e:tests/gpu"
"${ASSAY_PYTHON:-python3}" tests/gpu/cuda_verdicts.py
"${ASSAY_PYTHON:-python3}" tests/gpu/cold_comparison.py
