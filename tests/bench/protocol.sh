#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the protocol costs: Assay's tools/call against FastMCP's and the official Go SDK's, and the front's latency,
# memory and start. Sets up the peers below build/bench/; a peer that cannot be had is left out, and said to be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=scripts/common.sh
source scripts/common.sh
root=$PWD
readonly fastmcp_version=4.1.2
peers=build/bench
mkdir -p "$peers"

if ! command -v wrk >/dev/null; then
  [ -z "${ASSAY_OFFLINE:-}" ] || die "this benchmark needs wrk: apt-get install wrk"
  if [ "$(id -u)" -eq 0 ]; then apt-get -q install -y wrk >"$peers/wrk.log" 2>&1; else sudo apt-get -q install -y wrk; fi ||
    die "wrk could not be installed: apt-get install wrk"
fi

fastmcp=$peers/fastmcp/bin/python
if ! "$fastmcp" -c "import importlib.metadata as m; assert m.version('fastmcp') == '$fastmcp_version'" 2>/dev/null; then
  say "Setting up FastMCP $fastmcp_version"
  { "$ASSAY_PYTHON" -m venv "$peers/fastmcp" && "$fastmcp" -m pip install -q "fastmcp==$fastmcp_version"; } \
    >"$peers/fastmcp.log" 2>&1 || { say "No FastMCP (see $peers/fastmcp.log): it is left out"; fastmcp=''; }
fi

go_sdk=$root/$peers/go_sdk
if [ tests/bench/peers/go_sdk/main.go -nt "$go_sdk" ] || [ tests/bench/peers/go_sdk/go.mod -nt "$go_sdk" ]; then
  if command -v go >/dev/null && (cd tests/bench/peers/go_sdk && go build -o "$go_sdk" . >"$root/$peers/go_sdk.log" 2>&1); then
    :
  else
    say "No Go SDK (no go, or see $peers/go_sdk.log): it is left out"
    go_sdk=''
  fi
fi

export PYTHONPATH="tests/e2e:${PYTHONPATH:-}"
"$ASSAY_PYTHON" tests/bench/protocol.py "$fastmcp" "$go_sdk"
