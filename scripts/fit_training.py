#!/usr/bin/env python3
"""Fits the one constant that comes from published training runs, kLayerWait: what a layer with experts waits
for the host in each pass (src/ground/compute/operation_curves.h).

    python3 scripts/fit_training.py ../shared/data/published_training.csv

Minimises the median of |error| over the rows in bf16 without overlap, in steps of 100 us. Then again
without each model in turn, and prints the errors of that model's rows. Needs build/mixnet, or $MIXNET.
"""

import argparse
import csv
import json
import os
import pathlib
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("MIXNET", str(ROOT / "build" / "mixnet"))
STEPS_US = range(0, 1501, 100)


def errors(table, wait_us):
    """Error by name of the row."""
    done = subprocess.run([PROGRAM, "validate", "--training", table, "--layer-wait", f"{wait_us}us", "--json", "-"],
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return {row["name"]: row["error"] for row in json.loads(done.stdout)["rows"]}


def fitted(by_wait, names):
    """The wait with the least median of |error| over `names`."""
    def misfit(wait):
        sizes = [abs(by_wait[wait][name]) for name in names]
        return statistics.median(sizes)
    return min(by_wait, key=misfit)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", help="CSV of published runs")
    table = parser.parse_args().table
    with open(table, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["precision"] == "bf16" and row["ep_overlap"] == "no"]
    by_wait = {wait: errors(table, wait) for wait in STEPS_US}
    names = [row["name"] for row in rows]
    best = fitted(by_wait, names)
    median = statistics.median(abs(by_wait[best][name]) for name in names)
    print(f"all {len(names)} rows: {best} us, median |error| {median:.1%}")
    print(f"{'without':24} {'us':>6} {'rows':>5}  median |error| of its rows")
    for model in dict.fromkeys(row["model"] for row in rows):
        own = [row["name"] for row in rows if row["model"] == model]
        wait = fitted(by_wait, [name for name in names if name not in own])
        median = statistics.median(abs(by_wait[wait][name]) for name in own)
        print(f"{model:24} {wait:6} {len(own):5}  {median:.1%}")


if __name__ == "__main__":
    main()
