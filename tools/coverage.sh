#!/usr/bin/env bash
# coverage.sh BUILD: line coverage of src/ from what the tests of a build with VECMILL_COVERAGE left
# in BUILD/profiles. Not counted: tests, generated tables, main files, and code for instruction sets
# that this processor does not have. Of src/policy/ every branch must be taken: it has no outside that
# could be to blame.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$1 least=${2:-95}
compgen -G "$build/profiles/*.profraw" > /dev/null || {
  echo "no profiles in $build/profiles: run tools/test.sh --only asan first"
  exit 1
}
llvm-profdata merge -sparse -o "$build/all.profdata" "$build"/profiles/*.profraw

objects=()
while IFS= read -r program; do objects+=(-object "$program"); done < <(
  find "$build/src" "$build/tests" "$build/fuzz" -type f -executable -not -name '*.so' -not -path '*/CMakeFiles/*' | sort)
ignore='_test\.cc$|_tables?\.(cc|h|inc)$|main\.cc$|/tests/|/fuzz/|/bench/|/usr/|/modules/.*/check/'
for set in avx512f:avx512 avx512_vnni:avx512_vnni avx512_bf16:avx512_bf16 avx_vnni:avx2_vnni amx_tile:amx; do
  grep -qw "${set%:*}" /proc/cpuinfo || {
    ignore+="|${set#*:}"
    echo "not counted: ${set#*:} code, which this processor cannot run"
  }
done
llvm-cov export -summary-only -instr-profile "$build/all.profdata" -ignore-filename-regex "$ignore" \
  "${objects[@]}" > "$build/coverage.json" 2> "$build/coverage.log"
python3 - "$build/coverage.json" "$least" <<'PYTHON'
import json, os, sys
data = json.load(open(sys.argv[1]))["data"][0]
rows = sorted((f["summary"]["lines"]["percent"], f["summary"]["lines"]["count"] - f["summary"]["lines"]["covered"],
               os.path.relpath(os.path.realpath(f["filename"]))) for f in data["files"] if f["summary"]["lines"]["count"])
for percent, missing, name in rows:
    if percent < 95:
        print(f"{percent:6.1f} %  {missing:4d} lines not run  {name}")
folders = {}
for file in data["files"]:
    name = os.path.relpath(os.path.realpath(file["filename"]))
    sums = folders.setdefault("/".join(name.split("/")[:2]), [0, 0])
    sums[0] += file["summary"]["lines"]["covered"]
    sums[1] += file["summary"]["lines"]["count"]
print("| folder | lines | covered |\n|---|---|---|")
for folder, (covered, count) in sorted(folders.items()):
    if count:
        print(f"| {folder}/ | {count} | {100 * covered / count:.1f} % |")
untaken = 0
for file in data["files"]:
    name, branches = os.path.relpath(os.path.realpath(file["filename"])), file["summary"]["branches"]
    if name.startswith("src/policy/") and branches["notcovered"]:
        print(f"{branches['notcovered']} branches not taken  {name}")
        untaken += branches["notcovered"]
total = data["totals"]["lines"]
print(f"lines covered: {total['covered']} of {total['count']}, {total['percent']:.2f} % (least: {sys.argv[2]} %)")
sys.exit(untaken > 0 or total["percent"] < float(sys.argv[2]))
PYTHON
