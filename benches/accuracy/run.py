#!/usr/bin/env python3
"""Trains recipes on data sets with several seeds, and makes the table of accuracies in the README.

    python3 benches/accuracy/run.py --seeds 0 1 2 recipes/simclr.ssl recipes/mae.ssl
    python3 benches/accuracy/run.py --data cifar10:DIR,train=10000
    python3 benches/accuracy/run.py --table

Without recipes all of them are trained (the discrete VAE, a tokenizer, excepted). It runs at low priority and can be stopped
at any time: the same command goes on with the run that was stopped. What has been measured stands in `results.csv` beside this
file, a line for each recipe, data set and seed; a line is measured again only if the recipe (but for its comments) has changed.
Needs Python 3.9 and nothing else.
"""

import argparse
import csv
import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
RESULTS = HERE / "results.csv"
METRICS = {"k-NN": 100, "linear probe": 100, "effective rank": 1}
SIDES = ("trained", "untrained", "raw")
COLUMNS = ["data", "recipe", "seed", "hash", "title"] + [f"{side} {metric}" for side in SIDES for metric in METRICS]


def digest(recipe):
    """The hash of a recipe without its comments, and of those that it extends or freezes."""
    text = "\n".join(line for line in recipe.read_text().splitlines() if not line.startswith("#"))
    others = [recipe.parent / name for name in re.findall(r'"([^"]+\.ssl)"', text)]
    return hashlib.sha256("".join([text, *map(digest, others)]).encode()).hexdigest()[:12]


def known():
    """What has been measured, by data, recipe and seed."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(newline="") as file:
        return {(row["data"], row["recipe"], int(row["seed"])): row for row in csv.DictReader(file)}


def keep(results):
    """Writes all lines, sorted."""
    part = RESULTS.with_suffix(".part")
    with part.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(results[key] for key in sorted(results))
    part.replace(RESULTS)


def record(run):
    """The title of a finished run and its final metrics; None where it has not ended well."""
    path = run / "run.ron"
    text = path.read_text() if path.exists() else ""
    if "outcome: Finished" not in text:
        return None
    row = {"title": re.search(r'title: "(.*)"', text)[1]}
    for side in SIDES:
        part = re.search(rf"^    {side}: \[(.*?)^    \]", text, re.M | re.S)[1]
        values = dict(re.findall(r'name: "([^"]+)",\s+value: ([^,]+)', part))
        row.update({f"{side} {m}": f"{float(values[m]) * factor:.2f}" for m, factor in METRICS.items()})
    return row


def train(job):
    """Trains one recipe, or goes on with it; its line of the results."""
    binary, data, recipe, seed, out, threads = job
    run = out / data.split(":")[0] / f"{recipe.stem}-{seed}"
    command = ["nice", "-n", "19", str(binary)]
    if (run / "checkpoints").is_dir() and any((run / "checkpoints").iterdir()):
        command += ["--resume", str(run)]
    else:
        shutil.rmtree(run, ignore_errors=True)
        command += [str(recipe), "--data", data, "--seed", str(seed), "--set", "evaluate.every=4", "-o", str(run)]
    run.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{run}.log", "a") as log:
        code = subprocess.run(command + ["--threads", str(threads)], stdout=log, stderr=log).returncode
    row = record(run)
    if row is None:
        print(f"{recipe.stem}, seed {seed}: ended with {code}, see {run}.log", flush=True)
        return None
    return {"data": data.split(":")[0], "recipe": recipe.stem, "seed": seed, "hash": digest(recipe), **row}


def measure(args):
    """Trains what is missing."""
    results = known()
    jobs = []
    for seed in args.seeds:
        for recipe in args.recipes:
            row = results.get((args.data.split(":")[0], recipe.stem, seed))
            if row is None or row["hash"] != digest(recipe):
                jobs.append((args.binary, args.data, recipe, seed, args.out, args.threads))
    print(f"{len(jobs)} runs to make", flush=True)
    with ThreadPoolExecutor(args.jobs) as pool:
        for row in pool.map(train, jobs):
            if row is not None:
                results = {**known(), (row["data"], row["recipe"], row["seed"]): row}
                keep(results)
                print(", ".join(f"{row[c]}" for c in COLUMNS if not c.startswith("raw") and c != "hash"), flush=True)


def spread(rows, column):
    """The mean over seeds, and their range where there are several."""
    values = [float(row[column]) for row in rows]
    mean = f"{sum(values) / len(values):.1f}"
    return mean if len(values) == 1 else f"{mean} [{min(values):.1f}, {max(values):.1f}]"


def table():
    """Prints the table, the best by k-NN on `shapes` first."""
    results = known()
    recipes = sorted({recipe for _, recipe, _ in results})
    lines = []
    for recipe in recipes:
        cells, order = [], 0.0
        for data in ("shapes", "cifar10"):
            rows = [results[key] for key in sorted(results) if key[:2] == (data, recipe)]
            if not rows:
                cells += ["", "", ""]
                continue
            if data == "shapes":
                order = sum(float(row["trained k-NN"]) for row in rows) / len(rows)
            title = rows[0]["title"]
            for metric in ("k-NN", "linear probe"):
                cells.append(f"{spread(rows, f'trained {metric}')} ({spread(rows[:1], f'untrained {metric}')})")
            cells.append(f"{sum(float(row['trained effective rank']) for row in rows) / len(rows):.0f}")
        lines.append((-order, f"| [{title}](recipes/{recipe}.ssl) | {' | '.join(cells)} |"))
    print("| recipe | `shapes`: k-NN | linear probe | rank | CIFAR-10: k-NN | linear probe | rank |")
    print("|---|---|---|---|---|---|---|")
    print("\n".join(line for _, line in sorted(lines)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*", type=pathlib.Path)
    parser.add_argument("--data", default="shapes", help="a data set as `sslrun --data` takes it")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--binary", type=pathlib.Path, default=ROOT / "target/release/sslrun")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "target/accuracy", help="where the runs go")
    parser.add_argument("--jobs", type=int, default=2, help="how many recipes are trained at once")
    parser.add_argument("--threads", type=int, default=1, help="the threads of each; the bits do not depend on them")
    parser.add_argument("--table", action="store_true", help="only print the table")
    args = parser.parse_args()
    if args.table:
        return table()
    if not args.binary.exists():
        sys.exit(f"{args.binary} is not there: build it first, by `cargo build --release`")
    args.recipes = args.recipes or sorted(p for p in (ROOT / "recipes").glob("*.ssl") if p.stem != "dvae")
    measure(args)


if __name__ == "__main__":
    main()
