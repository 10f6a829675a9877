#!/usr/bin/env bash
# Builds the Python wheel that carries `sslrun`, installs it into a fresh environment, and runs what it has installed.
# Needs Rust, a C compiler and Python with `venv`; what else it takes comes from PyPI.
#
#   packaging/wheel.sh [FOLDER]      the wheel ends up in FOLDER (target/wheels)
#
# zig links it against glibc 2.28, so that it runs on any Linux since 2018 (the tag manylinux_2_28).
set -euo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:-target/wheels}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/build"
"$work/build/bin/pip" install --quiet 'maturin[zig]>=1.9,<2'
(cd packaging && PATH="$work/build/bin:$PATH" maturin build --release --locked --zig \
  --target "$(uname -m)-unknown-linux-gnu" --compatibility manylinux_2_28 --out "$work/wheels")

wheel=$(echo "$work"/wheels/sslrun-*.whl)
case $wheel in
  *-manylinux_2_28_*) ;;
  *) echo "not tagged as it should be: $wheel" >&2; exit 1 ;;
esac

python3 -m venv "$work/user"
"$work/user/bin/pip" install --quiet --no-index "$wheel"
cd "$work"
"$work/user/bin/sslrun" doctor
"$work/user/bin/sslrun" check vicreg
"$work/user/bin/sslrun" vicreg --set train.epochs=1 --data shapes:train=256,test=64 --out "$work/run"
"$work/user/bin/sslrun" embed "$work/run" -o "$work/features.npy"
test -s "$work/features.npy"

mkdir -p "$out"
cp "$wheel" "$out/"
echo "$out/$(basename "$wheel") is built, installed and run"
