#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A cuda kernel from source to cubin through the server, cold and from the cache, against nvcc.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="tests/e2e:${PYTHONPATH:-}"
"$ASSAY_PYTHON" tests/bench/compile.py
