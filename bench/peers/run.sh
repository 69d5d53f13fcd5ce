#!/usr/bin/env bash
# One command: makes the peers' environment, builds ours and writes build/peers/table.md and .json.
# VECMILL_PEERS_PYTHON names an environment that has requirements.txt already. Other arguments go to
# peers.py (--dtype bf16|int8, --texts, --rounds, --seed, --sets, --peers; --model FOLDER, --work and --out
# for another model, as of bench/models/full_size.py).
set -euo pipefail
cd "$(dirname "$0")/../.."
source tools/lib.sh

tools/setup.sh test
python=${VECMILL_PEERS_PYTHON:-.cache/venv-peers/bin/python}
if [ -z "${VECMILL_PEERS_PYTHON:-}" ] && ! cmp -s bench/peers/requirements.txt .cache/venv-peers/installed.txt; then
  say "installing the peers into .cache/venv-peers (several GB)"
  .venv/bin/python -m venv .cache/venv-peers
  $python -m pip install -q --disable-pip-version-check -r bench/peers/requirements.txt
  cp bench/peers/requirements.txt .cache/venv-peers/installed.txt
fi
say "building ours"
quietly cmake --preset release -DVECMILL_BENCH=ON
quietly cmake --build --preset release --target encode_peer
say "measuring; this takes several minutes and wants an idle machine"
$python bench/peers/peers.py --ours build/release/bench/peers/encode_peer --work build/peers \
  --model .cache/models/all-MiniLM-L6-v2 --out build/peers/table \
  --version "$(git describe --always --dirty)" "$@"
say "written: build/peers/table.md, build/peers/table.json"
