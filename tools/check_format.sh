#!/usr/bin/env bash
# Every C++ file must be as clang-format 14 writes it; --fix makes it so.
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files '*.cc' '*.h' '*.inc' | grep -vE '_tables?\.(cc|h|inc)$')
if [ "${1:-}" = --fix ]; then
  clang-format-14 -i "${files[@]}"
else
  printf '%s\n' "${files[@]}" | xargs -P 2 -n 20 clang-format-14 --dry-run --Werror
fi
