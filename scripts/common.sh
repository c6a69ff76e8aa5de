# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# Helpers of ./dev: what it prints, and long commands shown as one moving line. Sourced, never run.

say() { printf '%s\n' "$*" >&2; }
die() { printf 'dev: %s\n' "$*" >&2; exit 1; }

# with_progress LABEL LOG COMMAND...: runs it with its output in LOG, shows the seconds and the last
# line so far: on a terminal as one moving line, else a line every 15 s. On failure: the log's end.
with_progress() {
  local label=$1 log=$2 start=$SECONDS shown=0 now status=0 line
  shift 2
  mkdir -p "$(dirname "$log")"
  "$@" >"$log" 2>&1 </dev/null &
  local child=$!
  trap 'kill "$child" 2>/dev/null || true; exit 130' INT TERM
  while kill -0 "$child" 2>/dev/null; do
    sleep 0.5
    now=$((SECONDS - start))
    line=$(tail -c 400 "$log" | tr '\r' '\n' | grep -v '^[[:space:]]*$' | tail -n 1 | tr -d '\033' || true)
    if [ -t 2 ]; then
      printf '\r\033[K%s: %d s  %.70s' "$label" "$now" "$line" >&2
    elif [ $((now - shown)) -ge 15 ]; then
      shown=$now
      printf '%s: %d s  %.100s\n' "$label" "$now" "$line" >&2
    fi
  done
  wait "$child" || status=$?
  trap - INT TERM
  [ -t 2 ] && printf '\r\033[K' >&2
  if [ "$status" -ne 0 ]; then
    say "$label: failed after $((SECONDS - start)) s; the end of $log:"
    tail -n 20 "$log" >&2
    return "$status"
  fi
  say "$label: done in $((SECONDS - start)) s"
}

# Runs a command as root.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -- "$@"; fi
}

can_install() {
  [ -z "${ASSAY_OFFLINE:-}" ] && command -v apt-get >/dev/null && { [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null; }
}

has_gpu() { compgen -G '/dev/nvidia[0-9]*' >/dev/null; }

# As many compilers as there are cores, and 2 GB of memory for each.
job_count() {
  local cores memory_kb
  cores=$(nproc)
  memory_kb=$(awk '/^MemTotal:/ {print $2}' /proc/meminfo)
  local jobs=$((memory_kb / 2000000))
  [ "$jobs" -lt 1 ] && jobs=1
  [ "$jobs" -gt "$cores" ] && jobs=$cores
  printf '%s\n' "${ASSAY_JOBS:-$jobs}"
}
