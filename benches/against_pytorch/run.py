"""Training steps in sslrun and in PyTorch, in turn, a process each; see README.md."""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# Recipe and script of a name, samples a step, how PyTorch is run: the best of these counts.
LAYOUTS = ["plain", "channels_last"]
CASES = {
    "simclr": ("simclr", 64, LAYOUTS),
    "simclr-256": ("simclr", 256, LAYOUTS),
    "vicreg": ("vicreg", 64, LAYOUTS),
    "vicreg-256": ("vicreg", 256, LAYOUTS),
    "byol": ("byol", 64, LAYOUTS),
    "byol-256": ("byol", 256, LAYOUTS),
    "dino": ("dino", 64, ["plain", "together"]),
    "mae": ("mae", 64, ["plain"]),
    "simclr-resnet50": ("simclr_resnet50", 64, LAYOUTS),
}


def main():
    args = arguments()
    rows = [measure(name, args) for name in args.cases]
    text = markdown(rows, args)
    print(text)
    if args.output:
        args.output.write_text(text)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}; all if left out")
    parser.add_argument("--rounds", type=int, default=3, help="how often each program has its turn")
    parser.add_argument("--steps", type=int, default=3, help="steps that are timed in a turn")
    parser.add_argument("--warm", type=int, default=1, help="steps before these that are not timed")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--variants", nargs="*", help="runs PyTorch in these ways alone")
    parser.add_argument("--sslrun", type=pathlib.Path, default=ROOT / "target/release/sslrun", help="the program")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="a Markdown file to write the table to")
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    return args


def measure(name, args):
    """All rounds of a case: the times of the steps and the peak of memory, by program."""
    script, batch, variants = CASES[name]
    variants = [v for v in variants if not args.variants or v in args.variants]
    found = {}
    for turn in range(args.rounds):
        for who in ["sslrun", *variants]:
            seconds, peak = ours(script, batch, args) if who == "sslrun" else theirs(script, batch, who, args)
            times, peaks = found.setdefault(who, ([], []))
            times += seconds
            peaks.append(peak)
            shown = ", ".join(f"{1e3 * t:.0f}" for t in seconds)
            print(f"{name}, round {turn + 1}, {who}: {shown} ms, {peak / 2**20:.0f} MiB", file=sys.stderr, flush=True)
    return name, {who: (times, max(peaks)) for who, (times, peaks) in found.items()}


def ours(recipe, batch, args):
    command = [args.sslrun, "bench", HERE / f"{recipe}.ssl", "--set", f"train.batch={batch}", "--only", "step"]
    command += ["--format", "json", "--threads", args.threads, "--warm", args.warm - 1, "--steps", args.steps]
    report = last_line(command)
    return report["step"], report["peak"]


def theirs(script, batch, variant, args):
    command = [sys.executable, "-W", "ignore", HERE / f"{script}.py", "--batch", batch, "--variant", variant]
    command += ["--threads", args.threads, "--warm", args.warm, "--steps", args.steps]
    command += ["--sslrun", args.sslrun]
    report = last_line(command)
    return report["seconds"], report["peak"]


def last_line(command):
    """Runs a program and reads the JSON in its last line; what it says besides is shown where it fails."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def markdown(rows, args):
    """A row a case: medians over all rounds, the least in brackets, and ratios to the better PyTorch."""
    header = ["case", "sslrun", "PyTorch", "the better", "ratio", "sslrun's peak", "PyTorch's", "ratio"]
    lines = [header, ["---"] + ["---:"] * (len(header) - 1)]
    for name, found in rows:
        mine, my_peak = found.pop("sslrun")
        best = min(found, key=lambda who: statistics.median(found[who][0]))
        theirs, their_peak = found[best]
        ratio = statistics.median(mine) / statistics.median(theirs)
        size = [f"{peak / 2**20:.0f} MiB" for peak in (my_peak, their_peak)]
        lines.append([name, span(mine), span(theirs), best, f"{ratio:.2f}", *size, f"{my_peak / their_peak:.2f}"])
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    turns = f"{args.rounds} rounds of {args.steps} steps after {args.warm}, {args.threads} threads"
    return f"Milliseconds a step: median (least) of {turns}; views in memory.\n\n{table}\n"


def span(seconds):
    return f"{1e3 * statistics.median(seconds):.0f} ({1e3 * min(seconds):.0f})"


if __name__ == "__main__":
    main()
