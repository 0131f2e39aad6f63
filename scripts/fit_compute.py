#!/usr/bin/env python3
"""Fits the constants of src/ground/compute/operation_curves.h to measured times of operations.

    python3 scripts/fit_compute.py ../shared/data/gpu_op_times_h200.csv

reads a CSV as docs/compute.md describes it and the models in data/models, and prints the constants, the
medians of |error| by kind of operation, and those of each model when it is left out of the fit. The
curves are those of operation_curves.cc; tests/compute_test.py holds the program to them. Needs numpy and
scipy; takes about a minute.
"""

import csv
import json
import pathlib
import sys

import numpy as np
from scipy.optimize import least_squares

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
PEAK, BANDWIDTH = 989.4e12, 4.8e12  # of the H200 that was measured; seconds scale with them
MEMORY = 0.8                        # what streams reach of the bandwidth; not fitted
# Where the fit starts. Efficiencies are shares of the peak, sizes tokens or columns, passes are
# times that an activation is moved, launches seconds.
START = {
    "gemm": 0.73, "half_columns": 100, "half_rows_backward": 250,
    "scores_forward": 0.77, "scores_backward": 0.55, "latent_scores_forward": 0.55,
    "latent_scores_backward": 0.27, "half_sequence": 900,
    "attention_passes": 7, "attention_floor_forward": 0.27e-3, "attention_floor_backward": 1.2e-3,
    "expert_passes": 10, "launches": 0.09e-3, "loop_launch": 0.025e-3, "loop_gradient": 0.26e-3,
    "gate_backward": 0.37e-3, "gate_logit_bytes": 160, "permute_passes_backward": 18,
    "optimizer_memory": 0.65,
}
# Not fitted: a gather reads and writes; a loop fills a gradient with zeros and adds it, which reads two
# and writes one.
PERMUTE_PASSES_FORWARD, LOOP_GRADIENT_PASSES = 2, 4


def shapes(name):
    config = json.loads((DATA / "models" / f"{name}.json").read_text(encoding="utf-8"))
    heads = config["num_attention_heads"]
    width = config.get("head_dim") or config["hidden_size"] // heads
    latent = "kv_lora_rank" in config
    return {
        "hidden": config["hidden_size"], "vocab": config["vocab_size"], "heads": heads,
        "kv_heads": config["num_key_value_heads"],
        "experts": next(config[key] for key in ("n_routed_experts", "num_local_experts", "num_experts")
                        if key in config),
        "width": config.get("moe_intermediate_size") or config["intermediate_size"],
        "latent": latent, "q_rank": config.get("q_lora_rank"), "kv_rank": config.get("kv_lora_rank"),
        "rope": config.get("qk_rope_head_dim"), "nope": config.get("qk_nope_head_dim"),
        "query": config["qk_nope_head_dim"] + config["qk_rope_head_dim"] if latent else width,
        "value": config["v_head_dim"] if latent else width,
    }


def gemm(p, m, k, n, backward):
    flops = 2 * m * k * n * (2 if backward else 1)
    size = 2 * (m * k + k * n + m * n) * (2 if backward else 1)
    rows = m / (m + p["half_rows_backward"]) if backward else 1
    efficiency = p["gemm"] * rows * n / (n + p["half_columns"])
    return max(flops / (PEAK * efficiency), size / (BANDWIDTH * MEMORY))


def stream(size):
    return size / (BANDWIDTH * MEMORY)


def projections(s, tp):
    heads, kv = s["heads"] / tp, max(1, s["kv_heads"] / tp)
    out = (heads * s["value"], s["hidden"])
    if not s["latent"]:
        return [(s["hidden"], (heads + 2 * kv) * s["query"]), out]
    return [(s["hidden"], s["q_rank"]), (s["q_rank"], heads * s["query"]),
            (s["hidden"], s["kv_rank"] + s["rope"]), (s["kv_rank"], heads * (s["nope"] + s["value"])), out]


def attention(p, s, row, backward):
    way = "backward" if backward else "forward"
    tokens, seq, heads = row["tokens"], row["seq"], s["heads"] / row["tp"]
    time = sum(gemm(p, tokens, k, n, backward) for k, n in projections(s, row["tp"]))
    flops = tokens * seq * heads * (s["query"] + s["value"]) * (2.5 if backward else 1)
    peak = p[("latent_" if s["latent"] else "") + f"scores_{way}"] * seq / (seq + p["half_sequence"])
    time += flops / (PEAK * peak)
    time += stream(2 * tokens * p["attention_passes"] / 2 *
                   (s["hidden"] + heads * (s["query"] + s["value"])))
    return max(time, p[f"attention_floor_{way}"])


def experts(p, s, row, backward):
    local, width = s["experts"] / row["ep"], s["width"] / row["tp"]
    each = row["tokens"] / local
    time = local * (2 * gemm(p, each, s["hidden"], width, backward) +
                    gemm(p, each, width, s["hidden"], backward))
    passes = p["expert_passes"] * (2 if backward else 1)
    time += stream(2 * row["tokens"] * width * passes) + p["launches"]
    if row["note"] == "loop" and not backward:
        time += local * p["loop_launch"]
    if row["note"] == "loop" and backward:
        time += (local - 1) * (p["loop_gradient"] +
                               stream(2 * row["tokens"] * s["hidden"] * LOOP_GRADIENT_PASSES))
    return time


def gate(p, s, row, backward):
    if backward:
        return p["gate_backward"]
    return p["launches"] + stream(
        row["tokens"] * (2 * s["hidden"] + p["gate_logit_bytes"] * s["experts"]))


def permute(p, s, row, backward):
    passes = p["permute_passes_backward"] if backward else PERMUTE_PASSES_FORWARD
    return stream(2 * row["tokens"] * s["hidden"] * passes)


def head(p, s, row, backward):
    return gemm(p, row["tokens"], s["hidden"], s["vocab"] / row["tp"], backward)


def optimizer(p, s, row, backward):
    return 28 * row["tokens"] / (BANDWIDTH * p["optimizer_memory"])


OPERATIONS = {one.__name__: one for one in (attention, experts, gate, permute, head, optimizer)}


def read(path):
    rows = []
    with open(path, encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            rows.append({"model": line["model"], "operation": line["operation"], "note": line["note"],
                         **{key: int(line[key] or 1) for key in ("tp", "ep", "seq", "tokens")},
                         "forward": float(line["forward_ms"]) / 1e3,
                         "backward": float(line["backward_ms"]) / 1e3,
                         "shapes": shapes(line["model"]) if line["model"] != "-" else None})
    return rows


def log_errors(p, rows):
    """By row and way, of those that were measured: (row, is backward, log of predicted / measured)."""
    return [(row, backward, np.log(OPERATIONS[row["operation"]](p, row["shapes"], row, backward) /
                                   row[way]))
            for row in rows for backward, way in ((False, "forward"), (True, "backward"))
            if row[way] > 0]


def weight(row):
    """Few rows count for more; one launch per expert is how nobody trains."""
    return 0.5 if row["note"] == "loop" else 1.5 if row["operation"] in ("head", "gate") else 1


def fit(rows, start):
    first = np.log(list(start.values()))
    def residuals(values):
        p = dict(zip(start, np.exp(values)))
        return np.array([weight(row) * np.expm1(error) for row, _, error in log_errors(p, rows)])
    solved = least_squares(residuals, first, loss="soft_l1", f_scale=0.08, bounds=(first - 3, first + 2),
                           xtol=1e-5, ftol=1e-5, max_nfev=40)
    return dict(zip(start, np.exp(solved.x).tolist()))


def medians(errors):
    """Percent: forward, backward."""
    return " ".join(
        f"{'backward' if way else 'forward'} {100 * np.median(part):5.1f}"
        for way in (False, True)
        if (part := [abs(np.expm1(error)) for _, backward, error in errors if backward == way]))


def main():
    rows = read(sys.argv[1])
    p = fit(rows, START)
    for name, value in p.items():
        print(f"{name} = {value:.3g}")
    errors = log_errors(p, rows)
    print(f"{len(p)} constants, {len(errors)} times; medians of |error| in %:")
    print(f"  all           {medians(errors)}")
    for kind in OPERATIONS:
        print(f"  {kind:13} {medians([one for one in errors if one[0]['operation'] == kind])}")
    for model in sorted({row["model"] for row in rows} - {"-"}):
        rest = fit([row for row in rows if row["model"] != model], p)
        mine = [row for row in rows if row["model"] == model]
        print(f"  without {model:16} {medians(log_errors(rest, mine))}")
    return p, errors


if __name__ == "__main__":
    main()
