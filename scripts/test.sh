# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154
# ./dev test, check, lint, bench and gpu-test. Sourced by ./dev.

# run_ctest PRESET ARGUMENT...: ctest with its output kept, and its summary as the last line.
run_ctest() {
  local folder=$root/build/$1 status=0 gpu=()
  shift
  if ! has_gpu; then
    gpu=(--label-exclude '^gpu$')
    say "No NVIDIA GPU here: the tests labelled gpu are not run"
  fi
  ctest --test-dir "$folder" --output-on-failure --no-tests=error "${gpu[@]}" "$@" 2>&1 |
    tee "$folder/test.log" || status=$?
  grep -h '^skipped: ' "$folder/Testing/Temporary/LastTest.log" | sort -u >&2 || true
  grep -E '^[0-9]+% tests passed' "$folder/test.log" | tail -n 1 || true
  return "$status"
}

run_tests() {
  set_up_tests
  build release
  # Two at a time: most wait more than they work; those that measure run alone.
  run_ctest release --parallel 2 "$@"
}

lint() {
  local status=0
  "$ASSAY_PYTHON" scripts/check_format.py "$@" || { [ $? -eq 77 ] || status=1; }
  "$ASSAY_PYTHON" tests/architecture/check_architecture.py . --graph build/release/link_graph.json || status=1
  return "$status"
}

# tested PRESET LABEL: builds PRESET (or, with more arguments, those targets), runs the tests with the
# label, notes the outcome.
tested() {
  local preset=$1 label=$2 status=0
  shift 2
  build "$preset" "$@" || { note "$preset: does not build"; return 1; }
  run_ctest "$preset" --label-regex "^$label\$" >&2 || status=1
  note "$preset, label $label: $(grep -E '^[0-9]+% tests passed' "$root/build/$preset/test.log" | tail -n 1)"
  return "$status"
}

note() { printf '%s\n' "$*" | tee -a "$root/build/check.txt" >&2; }

# check: what takes longer than a test run may. Each step's end goes to build/check.txt.
# Sandboxed processes, and a Python without the sanitizer's runtime, cannot run sanitised: unit tests, and
# those of the protocol over real sockets.
check() {
  local failed=0 harnesses preset
  : >build/check.txt
  configure release
  configure dev
  if "$ASSAY_PYTHON" scripts/run_clang_tidy.py build/release build/dev --jobs "$(job_count)"; then
    note "clang-tidy: no findings"
  else
    note "clang-tidy: findings, see above"
    failed=1
  fi
  for preset in asan tsan; do
    tested "$preset" unit || failed=1
    tested "$preset" sockets || failed=1
  done
  mapfile -t harnesses < <(find tests/fuzz -name '*_fuzz.cpp' -printf '%f\n' 2>/dev/null | sed 's/\.cpp$//' | sort)
  if [ ${#harnesses[@]} -gt 0 ]; then tested fuzz fuzz "${harnesses[@]}" || failed=1; fi
  say "Summary in build/check.txt"
  return "$failed"
}

# parts FOLDER: the names of FOLDER/*.sh.
parts() { find "$root/$1" -maxdepth 1 -name '*.sh' -printf '%f\n' 2>/dev/null | sed 's/\.sh$//' | sort; }

bench() {
  local names=("$@") name
  [ ${#names[@]} -gt 0 ] || mapfile -t names < <(parts tests/bench)
  [ ${#names[@]} -gt 0 ] || die "no benchmarks in tests/bench/."
  build release
  for name in "${names[@]}"; do
    [ -e "$root/tests/bench/$name.sh" ] || die "no benchmark '$name'. There are: $(parts tests/bench | paste -sd ' ')"
    say "== $name"
    bash "$root/tests/bench/$name.sh"
  done
}

readonly gpu_part_limit_s=480

# A part is done when its result says so and nothing that it tests is newer.
gpu_part_done() {
  local name=$1 result=$root/build/gpu-results/$1.txt
  grep -qs '^result: passed' "$result" || return 1
  [ -z "$(find "$root/build/release/bin" "$root/build/release/python" "$root/tests/gpu" "$root/tests/problems" "$root/tests/corpus" -newer "$result" -type f -print -quit)" ]
}

gpu_part() {
  local name=$1 start=$2 results=$root/build/gpu-results status=0 left
  mkdir -p "$results"
  left=$((gpu_part_limit_s - (SECONDS - start)))
  [ "$left" -gt 0 ] || left=1
  say "== $name (at most $left s)"
  timeout --kill-after=10 "$left" bash "$root/tests/gpu/$name.sh" 2>&1 | tee "$results/$name.part" || status=$?
  case $status in
    0) echo "result: passed in $((SECONDS - start)) s" ;;
    77) echo "result: skipped" ;;
    124 | 137) echo "result: out of time ($gpu_part_limit_s s, build included)" ;;
    *) echo "result: failed ($status) after $((SECONDS - start)) s" ;;
  esac | tee -a "$results/$name.part"
  mv "$results/$name.part" "$results/$name.txt"
  [ "$status" -eq 0 ] || [ "$status" -eq 77 ]
}

# gpu_test [--again] [PART...]: each part of tests/gpu that is not done yet.
gpu_test() {
  local again='' names=() name failed=0 start=$SECONDS
  for name in "$@"; do
    case $name in
      --again) again=yes ;;
      *) names+=("$name") ;;
    esac
  done
  [ ${#names[@]} -gt 0 ] || mapfile -t names < <(parts tests/gpu)
  [ ${#names[@]} -gt 0 ] || die "no parts in tests/gpu/."
  has_gpu || die "no NVIDIA GPU here (/dev/nvidia*): gpu-test needs one."
  build release
  export ASSAY_BUILD_DIR=$root/build/release
  for name in "${names[@]}"; do
    [ -e "$root/tests/gpu/$name.sh" ] || die "no part '$name'. There are: $(parts tests/gpu | paste -sd ' ')"
    if [ -z "$again" ] && gpu_part_done "$name"; then
      say "== $name: done before (--again runs it anew)"
    elif ! gpu_part "$name" "$start"; then
      failed=1
    fi
    if [ -n "${OUT:-}" ]; then cp "build/gpu-results/$name.txt" "$OUT/"; fi
    start=$SECONDS
  done
  return "$failed"
}
