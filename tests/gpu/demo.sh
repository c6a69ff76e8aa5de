#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demonstration with a GPU, twice: the second time with compiled kernels in no cache but everything on disk warm.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=${ASSAY_BUILD_DIR:-build/release}
for _ in 1 2; do
  "${ASSAY_PYTHON:-python3}" examples/demo.py --assay "$build/bin/assay"
done
"$build/bin/assay" doctor
