#!/usr/bin/env bash
# Puts the SQLite amalgamation into .cache/sqlite: Debian 12's 3.40.1 has the WAL-reset bug, and the
# npm package better-sqlite3 carries a current one. Pinned by hash; does nothing when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

package=better-sqlite3@12.11.1
sqlite3_c_sha256=60d2f39a3726cd6b9021da6f4e868608d66fbb6528a9f513dc8ffcc640493422
target=.cache/sqlite

is_pinned() { echo "$sqlite3_c_sha256  $1/sqlite3.c" | sha256sum --check --status 2> /dev/null; }

if [ -f $target/sqlite3.h ] && is_pinned $target; then
  exit 0
fi
mkdir -p .cache
part=$(mktemp -d .cache/sqlite.XXXXXX)
trap 'rm -rf "$part"' EXIT
echo "fetching SQLite from the npm package $package"
unpack_npm $package "$part"
source=$part/package/deps/sqlite3
is_pinned "$source" || die "sqlite3.c in $package is not the pinned one"
rm -rf $target
mkdir $target
mv "$source/sqlite3.c" "$source/sqlite3.h" $target/
