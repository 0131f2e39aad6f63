#!/usr/bin/env python3
"""The tables of docs/packet-network.md that compare transports: `scripts/transport_tables.py build/mixnet`.

Incasts and a permutation of 2 MB flows with both transports, against the busiest link, and an
all-to-all with DCTCP by its ECN threshold. Takes a minute."""

import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path


class Flows:
    def __init__(self, mixnet):
        self.mixnet = mixnet
        self.folder = tempfile.TemporaryDirectory()

    def play(self, pairs, size, *words):
        """(Makespan in us, the same against the busiest link, the report)."""
        path = Path(self.folder.name) / "flows.csv"
        with open(path, "w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["src", "dst", "bytes"])
            rows.writerows([a, b, size] for a, b in pairs)
        out = subprocess.run([self.mixnet, "flows", "--flows", path, "--json", "-", *words],
                             check=True, capture_output=True, text=True).stdout
        report = json.loads(out)
        busiest = max(tier["max_utilisation"] for tier in report["tiers"])
        return report["makespan_us"], 1 / busiest, report


def transports(flows):
    print("| 2 MB flows, 100 Gb/s | busiest link | `dctcp` | `dcqcn` |\n|---|---|---|---|")
    cases = [(f"{n} to 1", ["--fabric", "ideal", "--hosts", str(n + 1)],
              [(s, 0) for s in range(1, n + 1)]) for n in (2, 4, 6, 8, 16, 32, 64)]
    hosts = list(range(1024))
    random.Random(7).shuffle(hosts)
    cases.append(("permutation of 1,024, hashed", ["--fabric", "fat-tree", "--hosts", "1024"],
                  list(zip(hosts, hosts[1:] + hosts[:1]))))
    for name, words, pairs in cases:
        took = {}
        for transport in ("dctcp", "dcqcn"):
            us, over, report = flows.play(pairs, 2_000_000, *words, "--transport", transport)
            assert transport == "dctcp" or report["drops"] == 0, name
            took[transport] = us
            bound = us / over
        print(f"| {name} | {bound:,.0f} us | " +
              " | ".join(f"{us:,.0f} us, {us / bound:.2f}" for us in took.values()) + " |")


def thresholds(flows):
    print("\n| ECN threshold | 64 hosts | 128 hosts | 64 hosts, MTU 1500 |\n|---|---|---|---|")
    for kilobytes in (35, 72, 125, 200, 300, 600, 1000):
        cells = []
        for hosts, mtu in ((64, 9000), (128, 9000), (64, 1500)):
            pairs = [(a, (a + step) % hosts) for step in range(1, hosts) for a in range(hosts)]
            _, over, _ = flows.play(pairs, 1_000_000, "--fabric", "fat-tree", "--hosts", str(hosts),
                                    "--mtu", str(mtu), "--ecn-threshold", f"{kilobytes}kB")
            cells.append(f"{100 * (over - 1):+.1f} %")
        print(f"| {kilobytes} kB | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    FLOWS = Flows(sys.argv[1])
    transports(FLOWS)
    thresholds(FLOWS)
