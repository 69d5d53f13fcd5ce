#!/usr/bin/env bash
# Puts the sources of hiredis 1.3.0 into .cache/hiredis, from the source package of Python's binding:
# Debian 12's own 0.14 has no TLS. Pinned by hash; does nothing when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

package=hiredis
version=3.3.1
archive_sha256=da6f0302360e99d32bc2869772692797ebadd536e1b826d0103c72ba49d38698
target=.cache/hiredis

if [ "$(cat $target/.archive.sha256 2> /dev/null)" = $archive_sha256 ]; then
  exit 0
fi
mkdir -p .cache
part=$(mktemp -d .cache/hiredis.XXXXXX)
trap 'rm -rf "$part"' EXIT
echo "fetching hiredis from the Python package $package $version"
quietly .venv/bin/python -m pip download -q --disable-pip-version-check --no-deps \
  --no-binary $package -d "$part" $package==$version
archive=$part/$package-$version.tar.gz
echo "$archive_sha256  $archive" | sha256sum --check --status || die "$archive is not the pinned one"
tar xzf "$archive" -C "$part"
echo $archive_sha256 > "$part/$package-$version/vendor/hiredis/.archive.sha256"
rm -rf $target
mv "$part/$package-$version/vendor/hiredis" $target
