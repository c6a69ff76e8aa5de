#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Seconds of cold and repeated evaluations of each compiled type, with stock tools beside them, and a job beside compiles.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="tests/e2e:tests/gpu:${PYTHONPATH:-}"
"${ASSAY_PYTHON:-python3}" tests/gpu/figures.py
