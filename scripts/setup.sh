# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Makes this machine ready: packages, a Python with torch, the toolkit folder. Sourced by ./dev.
# Everything is checked by files, so that a second call costs a tenth of a second.

venv=$root/.venv
readonly smallest_disk_gb=12 # .venv takes 5, pip's cache and the build the rest

# missing_packages GROUP...: names of the packages in scripts/packages.txt that are not there.
missing_packages() {
  local group package sign wanted=" $* "
  while read -r group package sign; do
    [[ $group == \#* || -z $group || $wanted != *" $group "* ]] && continue
    if [[ $sign == /* ]]; then
      compgen -G "$sign" >/dev/null || compgen -G "$root/.deps$sign" >/dev/null || printf '%s\n' "$package"
    else
      command -v "$sign" >/dev/null || printf '%s\n' "$package"
    fi
  done <"$root/scripts/packages.txt"
}

# install_packages PACKAGE...: by apt, saying so first.
install_packages() {
  say "Installing with apt: $*"
  [ "$(id -u)" -eq 0 ] || sudo -v || return 1
  with_progress "apt" "$root/build/setup-apt.log" as_root env DEBIAN_FRONTEND=noninteractive bash -c '
    apt-get -q update -o Acquire::Retries=1 -o Acquire::http::Timeout=20 &&
    apt-get -q install -y --no-install-recommends "$@"' apt "$@"
}

# need_packages GROUP...: installs what is missing, or says in one line what is.
need_packages() {
  local missing extra
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return
  mapfile -t extra < <(missing_packages extra)
  if can_install; then install_packages "${missing[@]}" "${extra[@]}" || true; fi
  mapfile -t missing < <(missing_packages "$@")
  [ "${#missing[@]}" -eq 0 ] && return
  die "missing: ${missing[*]}. Get them with 'apt-get install ${missing[*]}', or run './dev deps' on a Debian 12 machine that has its package registry and copy its .deps/ here."
}

# fits PYTHON: whether it has all that Assay needs of a Python.
fits() { [ -x "$1" ] && [ -z "$("$1" -I "$root/cmake/probe_python.py" --missing 2>&1)" ]; }

# The stamp that says which pinned wheels .venv holds.
pins_digest() { cat "$@" | sha256sum | cut -d ' ' -f 1; }

# wheels STAMP FILE...: installs the pinned wheels of FILE... into .venv unless STAMP says they are there.
wheels() {
  local stamp=$venv/$1 file arguments=()
  shift
  [ "$(cat "$stamp" 2>/dev/null)" = "$(pins_digest "$@")" ] && return
  [ -z "${ASSAY_OFFLINE:-}" ] || return 1
  for file in "$@"; do arguments+=(-r "$file"); done
  say "Installing into .venv: $(sed -e 's/ *[;#].*//' -e '/^$/d' "$@" | awk -F = '!seen[$1]++' | paste -sd ' ')"
  with_progress "pip" "$root/build/setup-pip.log" "$venv/bin/python3" -m pip install \
    --disable-pip-version-check --no-input --progress-bar off "${arguments[@]}" || return 1
  pins_digest "$@" >"$stamp"
}

# A Python for .venv: the system's rather than a version manager's shim, since runners see the system's.
base_python() {
  local candidate
  for candidate in /usr/bin/python3 "$(command -v python3 || true)"; do
    [ -x "$candidate" ] && "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' && break
    candidate=
  done
  printf '%s\n' "$candidate"
}

make_venv() {
  local base free_gb
  if [ -n "${ASSAY_OFFLINE:-}" ]; then
    die "no Python with torch 2.11: set ASSAY_PYTHON to one, or run once without ASSAY_OFFLINE so that .venv can be made."
  fi
  [ "$(uname -m)" = x86_64 ] || die "the pinned wheels are for x86_64, this is $(uname -m): set ASSAY_PYTHON to a Python with torch 2.11, triton, numpy and nvcc."
  free_gb=$(df --output=avail -BG "$root" | tail -n 1 | tr -dc '0-9')
  [ -d "$venv" ] || [ "$free_gb" -ge "$smallest_disk_gb" ] || die "$free_gb GB free in $root: .venv needs $smallest_disk_gb GB."
  base=$(base_python)
  [ -n "$base" ] || die "no Python 3.10 or newer: install one, or set ASSAY_PYTHON."
  [ -x "$venv/bin/python3" ] || "$base" -m venv "$venv"
  wheels .assay-pins "$root/scripts/requirements.txt" ||
    die "the wheels of scripts/requirements.txt could not be installed: check the network, or set ASSAY_PYTHON to a Python with torch 2.11, triton, numpy and nvcc."
}

# Whether a Python other than .venv's will be used.
other_python() {
  [ -n "${ASSAY_PYTHON:-}" ] || { [ ! -d "$venv" ] && fits "$(command -v python3 || true)"; }
}

# Sets ASSAY_PYTHON: the caller's choice, else a complete .venv, else a fitting python3, else a new .venv.
choose_python() {
  local lacks
  if [ -n "${ASSAY_PYTHON:-}" ]; then
    lacks=$("$ASSAY_PYTHON" -I "$root/cmake/probe_python.py" --missing 2>&1) || lacks="a working interpreter"
    [ -z "$lacks" ] || die "ASSAY_PYTHON ($ASSAY_PYTHON) lacks: $lacks. Install that there, or unset ASSAY_PYTHON."
    ASSAY_PYTHON=$(command -v "$ASSAY_PYTHON")
  elif [ "$(cat "$venv/.assay-pins" 2>/dev/null)" = "$(pins_digest "$root/scripts/requirements.txt")" ]; then
    ASSAY_PYTHON=$venv/bin/python3
  elif other_python; then
    ASSAY_PYTHON=$(python3 -I -c 'import sys; print(sys.executable)')
  else
    make_venv
    ASSAY_PYTHON=$venv/bin/python3
  fi
  export ASSAY_PYTHON
}

# .toolkit: CUDA as one folder, whatever it comes from. Exported as CUDA_HOME.
make_toolkit() {
  "$ASSAY_PYTHON" -I "$root/scripts/make_toolkit.py" "$root/.toolkit"
  export CUDA_HOME=$root/.toolkit
}

# set_up GROUP...: all of it, with the packages of GROUP... beside what every command needs.
set_up() {
  local groups=(build "$@")
  other_python || groups+=(venv)
  need_packages "${groups[@]}"
  choose_python
  make_toolkit
}

# What ./dev test has beyond that; without them its tests are skipped, with the reason.
set_up_tests() {
  local missing
  mapfile -t missing < <(missing_packages test)
  if [ "${#missing[@]}" -gt 0 ] && can_install; then
    install_packages "${missing[@]}" || say "Not installed: ${missing[*]}; their tests will be skipped"
  fi
  if [ "$ASSAY_PYTHON" = "$venv/bin/python3" ]; then
    wheels .assay-test-pins "$root/scripts/requirements-test.txt" ||
      say "Not installed: the wheels of scripts/requirements-test.txt; their tests will be skipped"
  fi
}
