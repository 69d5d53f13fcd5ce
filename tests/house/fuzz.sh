#!/usr/bin/env bash
# fuzz.sh SECONDS TARGET...: replays the seeds of each fuzz target; with SECONDS > 0 it then looks
# for new inputs so long, from a fixed seed.
set -euo pipefail
seconds=$1
shift
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
export LLVM_PROFILE_FILE=$found/profraw  # what fuzzing reaches is not what tests check
for target in "$@"; do
  name=$(basename "$target" _fuzz)
  seeds=$(dirname "$0")/../../fuzz/corpus/$name
  options=(-rss_limit_mb=2048 -timeout=25 -max_len=65536 -artifact_prefix="$(dirname "$target")/$name-")
  echo "== $name: $(find "$seeds" -type f | wc -l) seeds"
  "$target" "${options[@]}" -runs=0 "$seeds"
  [ "$seconds" -gt 0 ] || continue
  mkdir "$found/$name"
  "$target" "${options[@]}" -seed="${VECMILL_TEST_SEED:-1}" -max_total_time="$seconds" "$found/$name" "$seeds"
done
echo "$# passed"
