# Sourced by the other scripts here.
say() { printf '== %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
# Runs a command and shows what it said only if it failed.
quietly() {
  local out
  if ! out=$("$@" 2>&1); then
    printf '%s\n' "$out"
    die "failed: $*"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    die "packages are missing and this is neither root nor a machine with sudo: $*"
  fi
}

# unpack_npm PACKAGE FOLDER: the files of a package from npm, in FOLDER/package.
unpack_npm() {
  command -v npm > /dev/null || die "npm is missing; install it (apt-get install npm) and try again"
  (cd "$2" && npm pack --silent "$1" > /dev/null && tar xzf ./*.tgz)
}
