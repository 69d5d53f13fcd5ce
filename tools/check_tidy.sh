#!/usr/bin/env bash
# check_tidy.sh BUILD [JOBS]: clang-tidy over our sources with the compile commands of BUILD: all of
# them with VECMILL_TEST_DEEP=1, else a quarter that VECMILL_TEST_SEED picks. Tests and generated
# tables are left to the compilers. With files behind JOBS, just those.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 jobs=${2:-2}
shift $(($# < 2 ? $# : 2))
mapfile -t files < <([ $# -gt 0 ] && printf '%s\n' "$@" || git ls-files 'src/*.cc' | grep -vE '_(test|bench|tables?)\.cc$')
if [ $# = 0 ] && [ -z "${VECMILL_TEST_DEEP:-}" ]; then
  mapfile -t files < <(printf '%s\n' "${files[@]}" |
    awk -v seed="${VECMILL_TEST_SEED:-1}" 'BEGIN { srand(seed) } rand() < 0.25')
fi
printf '%s\n' "${files[@]}" | xargs -P "$jobs" -n 4 clang-tidy-14 -p "$build" --quiet
echo "${#files[@]} passed"
