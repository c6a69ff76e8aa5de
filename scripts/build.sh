# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Configures and builds. Sourced by ./dev.

# Warnings are errors with compilers known to give no false ones.
werror() {
  local compiler version
  compiler=${CXX:-c++}
  version=$("$compiler" -dumpversion 2>/dev/null | cut -d . -f 1)
  if "$compiler" --version 2>/dev/null | head -n 1 | grep -q clang; then
    echo ON
  elif [ "${version:-0}" -ge 12 ] && [ "${version:-0}" -le 13 ]; then
    echo ON
  else
    echo OFF
  fi
}

# configure PRESET: when the choice of Python, compiler or .deps changed; ninja notices all else.
configure() {
  local preset=$1 folder=$root/build/$1 wanted stamp
  stamp=$folder/.configured-with
  wanted="$ASSAY_PYTHON $CUDA_HOME ${CXX:-c++} $(sha256sum "$root/.deps/packages.txt" 2>/dev/null || true)"
  if [ -e "$folder/build.ninja" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  say "Python with torch: $ASSAY_PYTHON"
  with_progress "cmake" "$root/build/configure-$preset.log" cmake --preset "$preset" --fresh \
    -DASSAY_PYTHON="$ASSAY_PYTHON" -DASSAY_WERROR="$(werror)" ||
    die "configuring failed: see build/configure-$preset.log"
  printf '%s\n' "$wanted" >"$stamp"
}

# build PRESET [TARGET...]: ninja shows how far it is as [n/m].
build() {
  local preset=$1 targets=()
  shift
  configure "$preset"
  if [ $# -gt 0 ]; then targets=(--target "$@"); fi
  cmake --build "$root/build/$preset" --parallel "$(job_count)" "${targets[@]}" >&2
}
