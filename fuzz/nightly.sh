#!/bin/sh
# Every fuzz target for so many seconds (60 where not given), from what is at hand; 1 where something was found. See README.md.
cd "$(dirname "$0")/.." || exit 2
seconds=${1:-60}
found=0

# What each target begins with, beside what it has found itself before.
seed() {
    mkdir -p "fuzz/corpus/$1"
    shift
    for file in "$@"; do
        [ -f "$file" ] && cp -n "$file" "fuzz/corpus/$target/$(printf %s "$file" | tr / _)"
    done
}

for target in format check read_data checkpoint; do
    case $target in
    format | check) seed $target recipes/*.ssl grammar/std/*.ssl ;;
    read_data) seed $target target/tmp/damage/seeds/* ;;
    checkpoint) seed $target target/tmp/damage/run/run.ron target/tmp/damage/run/checkpoints/*.safetensors ;;
    esac
    cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 || found=1
done
exit $found
