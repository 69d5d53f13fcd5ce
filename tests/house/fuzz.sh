#!/usr/bin/env bash
# fuzz.sh TARGET [SECONDS]: replays the seeds of one fuzz target, then looks for new inputs for a
# short while, from a fixed seed.
set -euo pipefail
target=$1 seconds=${2:-5}
name=$(basename "$target" _fuzz)
seeds=$(dirname "$0")/../../fuzz/corpus/$name
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT
options=(-rss_limit_mb=2048 -timeout=25 -max_len=65536 -artifact_prefix="$(dirname "$target")/$name-")
"$target" "${options[@]}" -runs=0 "$seeds"
"$target" "${options[@]}" -seed="${VECMILL_TEST_SEED:-1}" -max_total_time="$seconds" "$found" "$seeds"
