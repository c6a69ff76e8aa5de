#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Ten programs of tests/corpus/load_inline built by torch's own load_inline, one at a time; see load_inline_corpus.py.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"${ASSAY_PYTHON:-python3}" tests/gpu/load_inline_corpus.py --only alone
