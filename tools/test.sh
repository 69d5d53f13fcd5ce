#!/usr/bin/env bash
# The gate: installs what the tests need, builds with checks on and runs everything.
#   tools/test.sh                 sampled where the full count takes long (VECMILL_TEST_SEED picks)
#   tools/test.sh --deep          full counts, clang-tidy, and fuzzing that looks for new inputs
#   tools/test.sh --only STAGE    one stage (repeatable): style build test install misuse asan fuzz
#                                 coverage tsan tidy mutants
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

all_stages=(style build test install misuse asan fuzz coverage tsan tidy mutants)
stages=()
while [ $# -gt 0 ]; do
  case $1 in
    --deep) export VECMILL_TEST_DEEP=1 ;;
    --only)
      [[ " ${all_stages[*]} " == *" ${2:-} "* ]] || die "--only takes one of: ${all_stages[*]}"
      stages+=("$2")
      shift
      ;;
    *) die "usage: tools/test.sh [--deep] [--only STAGE]..." ;;
  esac
  shift
done
if [ ${#stages[@]} = 0 ]; then
  for stage in "${all_stages[@]}"; do
    [ "$stage" = tidy ] && [ -z "${VECMILL_TEST_DEEP:-}" ] || stages+=("$stage")
  done
fi

export VECMILL_TEST_SEED=${VECMILL_TEST_SEED:-1}
export VECMILL_TEST_MODEL=$PWD/.cache/models/all-MiniLM-L6-v2
export VECMILL_TEST_PYTHON=$PWD/.venv/bin/python
export VECMILL_HOME=$PWD/build/test-home
export PATH=/usr/lib/llvm-14/bin:$PATH
export NO_COLOR=1 PYTHONDONTWRITEBYTECODE=1
export CCACHE_BASEDIR=$PWD CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
jobs=${VECMILL_TEST_JOBS:-$(nproc)}
logs=$PWD/build/logs
passed=0 failed=0

# check NAME COMMAND...: one thing that passes or fails; its output goes to a log, shown if it fails.
check() {
  local name=$1 start=$SECONDS log=$logs/${1//[ \/]/_}.log
  shift
  if "$@" > "$log" 2>&1; then
    passed=$((passed + 1))
    printf 'ok    %-40s %4d s   %s\n' "$name" $((SECONDS - start)) "$(tally "$log")"
  else
    failed=$((failed + 1))
    printf 'FAIL  %-40s %4d s   %s\n' "$name" $((SECONDS - start)) "$log"
    tail -n 60 "$log"
    return 1
  fi
}

# What a log says of itself: its last line that counts something.
tally() { grep -hE '^[^[]*[0-9]+ (tests? passed|passed|mismatches|killed)|^lines' "$1" | tail -n 1 || true; }

configure() {
  local said
  said=$(cmake --preset "$1" 2>&1) || { echo "$said" && return 1; }
  # Where PATH finds another compiler than before, CMake begins anew and forgets what the preset sets.
  [[ $said != *"require your cache to be deleted"* ]] || { rm -rf "build/$1" && cmake --preset "$1"; }
}
build() { configure "$1" && cmake --build "build/$1" -j "$jobs" ${2:+--target ${*:2}}; }

# Runs ctest in build/$1 with the other arguments and counts each of its tests.
suite() {
  local dir=build/$1 name=$1 start=$SECONDS log=$logs/ctest_$1.log good bad
  shift
  ctest --test-dir "$dir" --timeout 1500 -j "$jobs" --no-tests=error --output-on-failure "$@" > "$log" 2>&1 || true
  good=$(grep -cE '^ *[0-9]+/[0-9]+ Test .* Passed ' "$log" || true)
  bad=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*(\*\*\*|Not Run)' "$log" || true)
  [ $((good + bad)) -gt 0 ] || bad=1
  passed=$((passed + good)) failed=$((failed + bad))
  grep -E '^ *[0-9]+/[0-9]+ Test ' "$log" || true
  local cases
  cases=$(awk '/^\[  PASSED  \]/ { n += $4 } END { print n + 0 }' "$dir/Testing/Temporary/LastTest.log")
  printf '%s  %-40s %4d s   %d test programs, %d C++ cases\n' "$([ "$bad" = 0 ] && echo 'ok  ' || echo FAIL)" \
    "tests in $dir" $((SECONDS - start)) $((good + bad)) "$cases"
  [ "$bad" = 0 ] || { grep -vE '^ *[0-9]+/[0-9]+ Test |^ *Start ' "$log" | tail -n 120; return 1; }
}

stage_style() {
  check "format" tools/check_format.sh
  check "house rules" python3 tools/check_house.py
}
stage_build() { check "build dev (g++)" build dev; }
stage_test() {
  suite dev
  check "docs/cli.md is what --help says" python3 tools/check_cli_docs.py build/dev/src/cli/vecmill docs/cli.md
}
stage_install() { check "installed library in a foreign project" tests/install/run.sh build/dev; }
stage_misuse() { check "misuse does not compile" python3 tests/compile_fail/run.py build/dev; }
# Samples also with --deep: full counts would take many hours under a sanitizer.
sampled_suite() {
  local deep=${VECMILL_TEST_DEEP:-} failures=0
  unset VECMILL_TEST_DEEP
  suite "$@" || failures=1
  [ -z "$deep" ] || export VECMILL_TEST_DEEP=$deep
  return "$failures"
}
stage_asan() {
  check "build asan (clang)" build asan || return
  rm -rf build/asan/profiles
  # %4m: a pool of four files that the processes merge their counts into.
  VECMILL_TEST_EVERY=48 LLVM_PROFILE_FILE=$PWD/build/asan/profiles/%4m.profraw sampled_suite asan
}
stage_fuzz() {
  local targets
  mapfile -t targets < <(find build/asan/fuzz -maxdepth 1 -name '*_fuzz' -type f | sort)
  [ ${#targets[@]} -gt 0 ] || targets=(build/asan/fuzz/none)
  check "fuzz targets" tests/house/fuzz.sh "$([ -n "${VECMILL_TEST_DEEP:-}" ] && echo 60 || echo 0)" "$jobs" \
    "${targets[@]}"
}
stage_coverage() { check "line coverage" tools/coverage.sh build/asan; }
# What has threads, alone (queues, client and server) and as one library; with --deep the encoder's
# own tests too, whose teams the library's texts go through anyway.
stage_tsan() {
  local deep=${VECMILL_TEST_DEEP:-}
  check "build tsan (clang)" build tsan provider_test remote_test http_test engine_test cache_test threads_test \
    ${deep:+encode_test} || return
  sampled_suite tsan -R "^(provider|remote|http|engine|cache|threads${deep:+|encode})\$"
}
stage_tidy() {
  check "configure tidy (clang)" configure tidy || return
  check "clang-tidy" tools/check_tidy.sh build/tidy "$jobs"
}
stage_mutants() { check "mutants" python3 tests/mutants/run.py build/dev; }

started=$SECONDS
tools/setup.sh test
mkdir -p "$logs"
for stage in "${stages[@]}"; do
  say "$stage"
  stage_started=$SECONDS
  # A stage goes on after a failure of its own; only without a build there is nothing more to run.
  "stage_$stage" || [ "$stage" != build ] || break
  say "$stage took $((SECONDS - stage_started)) s"
done
say "everything took $((SECONDS - started)) s"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
