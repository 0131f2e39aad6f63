"""What a network costs and what it gives: a picture of the choice, with Matplotlib.

    python3 examples/compare_fabrics.py fabrics.png

Simulates Mixtral 8x7B on 1024 GPUs over every fabric at four link speeds, and plots iteration time
over the price of the network; then plans the circuits of one region for a skewed demand.
"""

import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import mixnet  # noqa: E402

SPEEDS = ["100Gbps", "200Gbps", "400Gbps", "800Gbps"]
FABRICS = ["fat-tree", "oversub-fat-tree", "rail-optimized", "topoopt", "mixnet"]
# Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00"]


def plot_choice(axes):
    study = {
        "model": "mixtral-8x7b",
        "gpus": 1024,
        "reconfiguration": "hitless",
        "fabric": FABRICS,
        "bandwidth": SPEEDS,
    }
    rows = mixnet.sweep(study)
    for fabric, colour, marker in zip(FABRICS, COLOURS, "os^Dv"):
        runs = [row["run"] for row in rows if row["axes"]["fabric"] == fabric]
        axes.plot(
            [run["network_cost_usd"] / 1e6 for run in runs],
            [run["iteration_seconds"] for run in runs],
            marker=marker,
            color=colour,
            label=fabric,
        )
    axes.set(
        xlabel="network, million USD",
        ylabel="iteration, s",
        title="Mixtral 8x7B, 1024 GPUs: 100 to 800 Gb/s, left to right",
    )
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend()


def plot_circuits(axes):
    demand = np.random.default_rng(1).lognormal(20, 1.5, (8, 8)).astype(np.int64)
    np.fill_diagonal(demand, 0)
    plan = mixnet.plan(demand, degree=6)
    axes.imshow(demand / 1e9, cmap="cividis")
    for server in range(8):
        for peer in range(8):
            if server != peer:
                bright = demand[server, peer] > demand.max() / 2
                axes.text(
                    peer,
                    server,
                    plan["counts"][server, peer],
                    ha="center",
                    va="center",
                    color="black" if bright else "white",
                )
    axes.set(
        xlabel="to server",
        ylabel="from server",
        title=f"demand, and circuits over it: {plan['balanced_seconds'] * 1e3:.1f} ms",
    )


def main():
    picture = sys.argv[1] if len(sys.argv) > 1 else "fabrics.png"
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.5), layout="constrained")
    plot_choice(left)
    plot_circuits(right)
    figure.savefig(picture, dpi=150)
    print(f"wrote {picture}")


if __name__ == "__main__":
    main()
