#!/usr/bin/env bash
# check_tidy.sh BUILD [JOBS]: clang-tidy over our sources with the compile commands of BUILD. Tests
# and generated tables are left to the compilers.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 jobs=${2:-2}
git ls-files 'src/*.cc' | grep -vE '_(test|bench|tables?)\.cc$' |
  xargs -P "$jobs" -n 4 clang-tidy-14 -p "$build" --quiet
echo "$(git ls-files 'src/*.cc' | grep -cvE '_(test|bench|tables?)\.cc$') files passed"
