#!/usr/bin/env bash
# run.sh BUILD: installs BUILD into a folder, builds the project here against it with its own
# settings, and runs what came out and the installed program.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
prefix=$build/install-test
rm -rf "$prefix" "$build/consumer"
cmake --install "$build" --prefix "$prefix"
cmake -S "$here" -B "$build/consumer" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_STANDARD=20
cmake --build "$build/consumer"
"$build/consumer/consumer"
"$prefix/bin/vecmill" version
echo "1 passed"
