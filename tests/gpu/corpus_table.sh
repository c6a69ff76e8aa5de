#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tests/corpus/load_inline: Assay's outputs against stock's, byte by byte, and the table; after the other corpus parts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
"${ASSAY_PYTHON:-python3}" tests/gpu/load_inline_corpus.py --only table
