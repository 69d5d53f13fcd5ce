#!/usr/bin/env bash
# Real lines in 24 languages: Debian's translated manual pages, one file a language in
# .cache/corpus/. The packages are unpacked there and not installed, as small images of Debian leave
# manual pages out when they install.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

languages=(cs da de el es fi fr hu id it ja mk nb nl pl pt-br ro ru sr sv tr uk vi zh)
out=.cache/corpus
[ -d $out ] && exit 0

work=$PWD/.cache/corpus.part
rm -rf "$work"
mkdir -p "$work/packages" "$work/lines"
say "fetching manual pages in ${#languages[@]} languages"
download() {
  (cd "$work/packages" && apt-get -qq download "${languages[@]/#/manpages-}") > "$work/log" 2>&1
}
download || { as_root apt-get -qq update && download; } ||
  die "cannot download the manual pages: $(tail -n 1 "$work/log")"
for package in "$work"/packages/*.deb; do
  language=$(basename "$package" | sed 's/^manpages-//; s/_.*//')
  dpkg-deb -x "$package" "$work/unpacked"
  find "$work/unpacked/usr/share/man" -type f -name '*.gz' -print0 | sort -z |
    xargs -0 zcat > "$work/lines/$language.txt"
  rm -rf "$work/unpacked"
done
mv "$work/lines" $out
rm -rf "$work"
