#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The problems of tests/problems: every right and every wrong answer, in all kernel types, with its verdict.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="tests/e2e:tests/gpu:tests/problems"
"${ASSAY_PYTHON:-python3}" tests/gpu/problems.py "$@"
