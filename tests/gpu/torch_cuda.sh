#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# torch_cuda kernels against torch, written in several styles: verdicts right and wrong, the way each was compiled and its seconds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="tests/e2e:tests/gpu"
"${ASSAY_PYTHON:-python3}" tests/gpu/torch_cuda_verdicts.py
