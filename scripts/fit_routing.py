#!/usr/bin/env python3
"""Fits the parameters of dynamic routing to real data (docs/routing.md says what and why).

    scripts/fit_routing.py SHARED_DATA_DIR [--write]

Reads routing_mixtral_8x7b_humaneval.csv (the trace) there and the production matrix in
data/routing; prints the statistics and the parameters that follow; with --write also writes
data/routing/targets.csv and data/routing/dynamic.csv. Standard library only; nothing is random.
"""
import collections
import math
import pathlib
import statistics
import sys

ROUTING = pathlib.Path(__file__).resolve().parent.parent / "data" / "routing"
EXPERTS = 8
TOP_K = 2
LAYERS = 32
TOPICS = 2  # as DynamicRouting::kTopics
BLOCK = 16  # tokens that stand for one iteration
LINK_BLOCKS = (16, 24, 32)
LINK_DISTANCES = (1, 2, 4, 8, 16)
# In a few correlated blocks, topics that are independent look related by chance, so layer_links()
# finds more than topic_share^2 / TOPICS: this much, in generated loads (moe_test, RoutingFit).
LINK_EXCESS = 1.2


def mean(values):
    return statistics.fmean(values)


def read_rows(path):
    return [l.strip().split(",") for l in open(path) if l[0].isdigit()]


def read_trace(path):
    """{(sequence, layer): {token: (expert, expert)}}"""
    trace = collections.defaultdict(dict)
    for sequence, token, layer, a, b in ([int(x) for x in row] for row in read_rows(path)):
        trace[sequence, layer][token] = (a, b)
    return trace


def loads(choices):
    """Loads of the experts relative to an even one (mean 1), and the variance that independent
    tokens alone would give them."""
    n = len(choices)
    hits = [sum(e in pair for pair in choices) / n for e in range(EXPERTS)]
    scale = EXPERTS / TOP_K
    return [h * scale for h in hits], [h * (1 - h) / (n - 1) * scale * scale for h in hits]


def sum_squares(values):
    centre = mean(values)
    return sum((v - centre) ** 2 for v in values)


def skew(trace, production):
    """Per all-to-all (32 layers of the trace, then production): CV^2 of the experts' loads,
    sampling noise taken off."""
    squares = []
    for layer in range(LAYERS):
        load, noise = loads([p for s in (0, 1) for p in trace[s, layer].values()])
        squares.append(sum_squares(load) / (EXPERTS - 1) - mean(noise))
    columns = [sum(row[c] for row in production) for c in range(EXPERTS)]
    load = [c * EXPERTS / sum(columns) for c in columns]
    squares.append(sum_squares(load) / (EXPERTS - 1))
    return squares


def rank_spread(production):
    """Relative deviation of the ranks' shares about the column's mean, sampling noise taken off."""
    squares = []
    for c in range(EXPERTS):
        shares = [row[c] / sum(row) for row in production]
        m = mean(shares)
        noise = m * (1 - m) / sum(production[0])
        squares.append((sum_squares(shares) / (len(shares) - 1) - noise) / m**2)
    return math.sqrt(mean(squares))


def sequence_change(trace):
    """Deviation between the two sequences' loads, relative to an even load, noise taken off."""
    squares = []
    for layer in range(LAYERS):
        (a, noise_a), (b, noise_b) = (loads(list(trace[s, layer].values())) for s in (0, 1))
        squares += [((x - y) ** 2 - m - n) / 2 for x, y, m, n in zip(a, b, noise_a, noise_b)]
    return math.sqrt(mean(squares))


def blocks(trace, size):
    """The long sequence cut into blocks: deviations[layer][block][expert] from the layer's mean,
    and the variance of signal over all of them."""
    count = (max(trace[1, 0]) + 1) // size
    deviations, signal = [], []
    for layer in range(LAYERS):
        cut = [loads([trace[1, layer][t] for t in range(w * size, (w + 1) * size)
                      if t in trace[1, layer]]) for w in range(count)]
        centre = [mean(c[0][e] for c in cut) for e in range(EXPERTS)]
        deviations.append([[x - m for x, m in zip(c[0], centre)] for c in cut])
        total = sum(d * d for w in deviations[-1] for d in w) / (count - 1) / EXPERTS
        signal.append(total - mean(n for c in cut for n in c[1]))
    return deviations, mean(signal)


def memory_of(trace):
    """The number of blocks, and the correlation of blocks 1, 2, 3 apart. Noise of tokens is independent, so only the variance
    needs correcting; the series' own mean was taken off, which lowers all three."""
    deviations, signal = blocks(trace, BLOCK)
    count = len(deviations[0])
    variance = signal * (count - 1) / count
    return count, [mean(x * y for layer in deviations for w in range(count - lag)
                        for x, y in zip(layer[w], layer[w + lag])) / variance
                   for lag in (1, 2, 3)]


def covariance_square(first, second):
    n = len(first)
    return mean((sum(first[w][e] * second[w][f] for w in range(n)) / (n - 1)) ** 2
                for e in range(EXPERTS) for f in range(EXPERTS))


def layer_links(trace):
    """{(block size, distance of layers): link}: mean squared correlation between an expert's load in
    one layer and an expert's in another, over all pairs of experts, sampling noise taken off,
    beyond chance: what the same blocks in random order show, which is on average the product of
    the variances over (blocks - 1)."""
    links = {}
    for size in LINK_BLOCKS:
        deviations, signal = blocks(trace, size)
        n = len(deviations[0])
        variance = [sum(d * d for w in layer for d in w) / (n - 1) / EXPERTS
                    for layer in deviations]
        for distance in LINK_DISTANCES:
            pairs = [(l, l + distance) for l in range(LAYERS - distance)]
            real = mean(covariance_square(deviations[a], deviations[b]) for a, b in pairs)
            chance = mean(variance[a] * variance[b] / (n - 1) for a, b in pairs)
            links[size, distance] = (real - chance) / signal**2
    return links


def same_number(trace):
    """Mean correlation of the loads of experts of the same number in adjacent layers."""
    load = [loads([p for s in (0, 1) for p in trace[s, layer].values()])[0]
            for layer in range(LAYERS)]
    return mean(sum((x - 1) * (y - 1) for x, y in zip(a, b)) /
                math.sqrt(sum_squares(a) * sum_squares(b)) for a, b in zip(load, load[1:]))


def knot_correlation(lag, memory):
    """Of DynamicRouting::over_time(): knots `memory` apart joined with square roots."""
    def weights(moment):
        knot, since = divmod(moment, memory)
        return {knot: math.sqrt(1 - since / memory), knot + 1: math.sqrt(since / memory)}
    return mean(sum(w * weights(t + lag).get(k, 0) for k, w in weights(t).items())
                for t in range(memory))


def expected_lags(memory, count):
    """What memory_of() would find in `count` blocks of such a process."""
    rho = [knot_correlation(d, memory) for d in range(count)]
    of_mean = (1 + 2 * sum((1 - d / count) * rho[d] for d in range(1, count))) / count
    return [(rho[d] - of_mean) / (1 - of_mean) for d in (1, 2, 3)]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    shared = pathlib.Path(sys.argv[1])
    trace = read_trace(shared / "routing_mixtral_8x7b_humaneval.csv")
    production = [[int(x) for x in row]
                  for row in read_rows(ROUTING / "production_mixtral_8x7b.csv")]

    squares = skew(trace, production)
    change = sequence_change(trace)
    spread = rank_spread(production)
    count, lags = memory_of(trace)
    links = layer_links(trace)
    link = mean(links.values())
    targets = {
        "skew_cv": math.sqrt(mean(squares)),
        "skew_cv_trace": math.sqrt(mean(squares[:-1])),
        "skew_cv_production": math.sqrt(squares[-1]),
        "sequence_change": change,
        "rank_spread": spread,
        "lag1": lags[0],
        "lag2": lags[1],
        "lag3": lags[2],
        "layer_link": link,
    }

    # CV^2 of a layer at one moment = static^2 + change^2 + spread^2 / ranks. Of the first two
    # moments of that over the 33 all-to-alls (the square of a sample variance with 7 degrees of
    # freedom exceeds the true one by 9/7) follows a log-normal static deviation.
    moving = change**2 + spread**2 / EXPERTS
    static = mean(squares) - moving
    variance = mean(s * s for s in squares) / (1 + 2 / (EXPERTS - 1)) - mean(squares) ** 2
    log_spread = math.sqrt(math.log(1 + max(0, variance) / static**2)) / 2
    memory = min(range(1, 33), key=lambda m: sum(
        (x - y) ** 2 for x, y in zip(expected_lags(m, count), lags)))
    parameters = {
        "static_median": math.sqrt(static) * math.exp(-log_spread**2),
        "static_spread": log_spread,
        "iteration_sd": change,
        "rank_sd": spread,
        "topic_share": min(1.0, math.sqrt(TOPICS * link / LINK_EXCESS)),
        "memory": memory,
    }
    for title, table in (("statistic", targets), ("parameter", parameters)):
        print(title)
        for name, value in table.items():
            print(f"  {name:20} {value:.4g}")
    print("links between layers, by block size and distance:")
    for size in LINK_BLOCKS:
        print(f"  {size} tokens:", *(f"{links[size, d]:.2f} at {d}," for d in LINK_DISTANCES))
    print(f"correlation of experts of the same number, adjacent layers: {same_number(trace):.2f}")
    print("lags expected with that memory:", *(f"{x:.2f}" for x in expected_lags(memory, count)))
    if "--write" in sys.argv[2:]:
        note = "# Made by scripts/fit_routing.py SHARED_DATA_DIR --write; explained in docs/routing.md.\n"
        for file, head, table in (("targets.csv", "statistic", targets),
                                  ("dynamic.csv", "parameter", parameters)):
            (ROUTING / file).write_text(
                note + f"{head},value\n" + "".join(f"{k},{v:.4g}\n" for k, v in table.items()))


if __name__ == "__main__":
    main()
