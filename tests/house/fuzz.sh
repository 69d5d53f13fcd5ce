#!/usr/bin/env bash
# fuzz.sh SECONDS JOBS TARGET...: replays the seeds of each fuzz target; with SECONDS > 0 it then
# looks for new inputs so long, from a fixed seed. JOBS targets run at a time.
set -euo pipefail

# What one target does, said in one piece at its end.
fuzz() {
  local seconds=$1 target=$2 name seeds options
  name=$(basename "$target" _fuzz)
  seeds=$(dirname "$0")/../../fuzz/corpus/$name
  options=(-rss_limit_mb=2048 -timeout=25 -max_len=65536 -artifact_prefix="$(dirname "$target")/$name-")
  found=$(mktemp -d)
  trap 'rm -rf "$found"' EXIT
  export LLVM_PROFILE_FILE=$found/profraw  # what fuzzing reaches is not what tests check
  echo "== $name: $(find "$seeds" -type f | wc -l) seeds"
  "$target" "${options[@]}" -runs=0 "$seeds"
  [ "$seconds" -gt 0 ] || return 0
  mkdir "$found/new"
  "$target" "${options[@]}" -seed="${VECMILL_TEST_SEED:-1}" -max_total_time="$seconds" "$found/new" "$seeds"
}

if [ "$1" = --one ]; then
  set +e
  said=$(set -e; fuzz "$2" "$3" 2>&1)
  bad=$?
  printf '%s\n' "$said"
  exit "$bad"
fi
seconds=$1 jobs=$2
shift 2
printf '%s\0' "$@" | xargs -0 -n 1 -P "$jobs" "$0" --one "$seconds"
echo "$# passed"
