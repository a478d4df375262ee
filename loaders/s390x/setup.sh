#!/usr/bin/env bash
# Sets up a big-endian host for loaders: Debian's CPython for s390x under qemu-user. README.md beside this says more.
#   loaders/s390x/setup.sh [DIRECTORY]      (default: build/s390x)
set -euo pipefail
cd "$(dirname "$0")/../.."
tree=$PWD
mkdir -p "${1:-build/s390x}"
place=$(cd "${1:-build/s390x}" && pwd)

say() { printf 's390x: %s\n' "$*"; }
fail() { printf 's390x: %s\n' "$*" >&2; exit 1; }

# One set-up at a time, so that workers of a test run may all ask for it.
exec 9>"$place/lock"
flock 9

missing=()
for package in qemu-user-static gcc-s390x-linux-gnu libc6-dev-s390x-cross; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]}"
  [ "$(id -u)" = 0 ] || fail "as root, run: apt-get install -y --no-install-recommends ${missing[*]}"
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

# Lists, archives and the record of what is installed are all our own, so the machine's packages are neither asked nor changed.
# With nothing installed, apt itself finds everything that the interpreter needs.
root=$place/root
wanted=(python3.11-minimal libpython3.11-stdlib)
if [ -e "$root/complete" ]; then
  say "the interpreter is there: $root"
else
  say "downloading ${wanted[*]} and what they need, for s390x"
  rm -rf "$place/apt" "$root"
  mkdir -p "$place/apt/lists/partial" "$place/apt/archives/partial" "$root/usr/lib" "$root/usr/bin"
  : >"$place/apt/status"
  # Debian's own archive, wherever this machine takes it from; other sources have nothing for s390x.
  mkdir -p "$place/apt/sources"
  if [ -e /etc/apt/sources.list.d/debian.sources ]; then
    cp /etc/apt/sources.list.d/debian.sources "$place/apt/sources/"
  else
    cp /etc/apt/sources.list "$place/apt/sources/debian.list"
  fi
  apt=(apt-get -q
    -o APT::Architecture=s390x -o APT::Architectures=s390x -o APT::Update::Error-Mode=any
    -o Dir::State::Lists="$place/apt/lists" -o Dir::State::status="$place/apt/status"
    -o Dir::State::extended_states="$place/apt/extended_states"
    -o Dir::Cache="$place/apt" -o Dir::Cache::archives="$place/apt/archives"
    -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$place/apt/sources")
  "${apt[@]}" update
  "${apt[@]}" install -y --no-install-recommends --download-only "${wanted[@]}"
  for directory in lib bin; do
    ln -s "usr/$directory" "$root/$directory"
  done
  for archive in "$place"/apt/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink -C "$root"
  done
  touch "$root/complete"
fi
qemu=$(command -v qemu-s390x-static)

host_python=python3
[ ! -x .venv/bin/python ] || host_python=$PWD/.venv/bin/python
kaitai=$("$host_python" -c 'import kaitaistruct; print(kaitaistruct.__file__)') ||
  fail "kaitaistruct, which the reference needs, is not installed for $host_python"
mkdir -p "$place/lib"
# Here and below, written whole and then renamed: a test run may be using what is there.
cp "$kaitai" "$place/lib/kaitaistruct.new"
mv "$place/lib/kaitaistruct.new" "$place/lib/kaitaistruct.py"

wrapper() {
  printf '#!/bin/sh\n%s\n' "$2" >"$place/$1.new"
  chmod +x "$place/$1.new"
  mv "$place/$1.new" "$place/$1"
  say "wrote $place/$1"
}

# Compiled modules have a place of their own, so that nothing is written into the tree.
wrapper python "export PYTHONHOME='$root/usr' PYTHONPATH='$tree/reference/src:$place/lib' PYTHONPYCACHEPREFIX='$place/pycache'
export PYTHONNOUSERSITE=1 PYTHONDONTWRITEBYTECODE=
exec '$qemu' -L '$root' '$root/usr/bin/python3.11' \"\$@\""
wrapper reference-adapter "exec '$place/python' -m packfile adapter"

order=$("$place/python" -c 'import ctypes, hashlib, json, mmap, struct, sys; print(sys.byteorder)')
[ "$order" = big ] || fail "the interpreter's byte order is $order"
say "the interpreter's byte order is $order"
hello=$(echo '{"id": 1, "command": "hello"}' | "$place/reference-adapter")
[[ $hello == *'"outcome": "ok"'* ]] || fail "the adapter of the reference does not answer: $hello"
say "the adapter of the reference answers: $hello"

if [ -e loaders/c/Makefile ]; then
  say "building the loader in C for s390x"
  make -s -C loaders/c CC=s390x-linux-gnu-gcc BUILD="$place/c"
  loader=$(find "$place/c" -type f -name pf -perm -u+x)
  [ -n "$loader" ] || fail "the build left no program pf below $place/c"
  wrapper c-adapter "exec '$qemu' -L /usr/s390x-linux-gnu '$loader' adapter"
fi
