"""Hashed paths of executed graphs, against flows hashed one by one by a program of its own.

128 GPUs in servers of 8: TP 8 is a server, EP 8 is eight of them, and two data-parallel replicas of
that. On MixNet a server has two EPS NICs, on four ToR switches of eight NICs in one pod. Every GPU
sums its experts' gradients with the GPU of the same place eight servers on (rings of two), and its
dense ones with those of its place in all 16 servers. Nothing here shares code with the simulator:
rings, paths and max-min rates are written down anew, and so are the traces.
"""

import json
import random
import statistics

import numpy

import program
from program import ProgramTest, run

SERVERS, GPUS, EPS_NICS, NICS_PER_TOR = 16, 8, 2, 8
TORS = SERVERS * EPS_NICS // NICS_PER_TOR
BYTES_A_SECOND = 400e9 / 8


# Chakra traces, byte by byte.

def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7f | 0x80])
        number >>= 7
    return out + bytes([number])


def field(number, content):
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def message(content):
    return varint(len(content)) + content


def all_reduce(identity, group, size):
    """A COMM_COLL_NODE."""
    return message(
        field(1, identity) + field(2, b"gradients") + field(3, 7) +
        field(10, field(1, b"comm_type") + field(9, 0)) +
        field(10, field(1, b"comm_size") + field(13, size)) +
        field(10, field(1, b"pg_name") + field(29, group.encode())))


def traces(expert_bytes, dense_bytes):
    """By rank: what a file has."""
    for server in range(SERVERS):
        for gpu in range(GPUS):
            nodes = message(field(1, b"0.0.4"))
            if expert_bytes:
                nodes += all_reduce(0, f"pair {server % (SERVERS // 2)} {gpu}", expert_bytes)
            if dense_bytes:
                nodes += all_reduce(1, f"place {gpu}", dense_bytes)
            yield nodes


# The same as flows, hashed one by one.

def path_of(draw, from_server, to_server, gpu):
    """Links of a connection: out of its NIC, up and down by the switch that was drawn, into the NIC."""
    nics = [server * EPS_NICS + gpu * EPS_NICS // GPUS for server in (from_server, to_server)]
    tors = [nic // NICS_PER_TOR for nic in nics]
    host_links = SERVERS * EPS_NICS
    links = [nics[0], host_links + nics[1]]
    if tors[0] != tors[1]:
        switch = draw.randrange(NICS_PER_TOR)
        links += [2 * host_links + tors[0] * NICS_PER_TOR + switch,
                  2 * host_links + (TORS + tors[1]) * NICS_PER_TOR + switch]
    return links


LINKS = 2 * SERVERS * EPS_NICS + 2 * TORS * NICS_PER_TOR


def max_min_rates(incidence):
    """Shares of a link's rate, by flow; a row of the matrix is a flow, a column a link."""
    rates = numpy.zeros(len(incidence))
    open_flows = numpy.ones(len(incidence), dtype=bool)
    left = numpy.ones(LINKS)
    while open_flows.any():
        count = incidence[open_flows].sum(axis=0)
        share = numpy.where(count > 0, left / numpy.maximum(count, 1), numpy.inf)
        level = share.min()
        full = share <= level * (1 + 1e-9)
        settled = open_flows & (incidence[:, full].sum(axis=1) > 0)
        rates[settled] = level
        left -= level * incidence[settled].sum(axis=0)
        left = numpy.maximum(left, 0)
        open_flows &= ~settled
    return rates


def seconds(expert_bytes, dense_bytes, seed):
    """When each all-reduce has ended."""
    draw = random.Random(seed)
    rings = []
    for gpu in range(GPUS):
        if expert_bytes:
            rings += [([server, server + SERVERS // 2], gpu, expert_bytes)
                      for server in range(SERVERS // 2)]
        if dense_bytes:
            rings.append((list(range(SERVERS)), gpu, dense_bytes))
    # Of each connection: its links, the bytes of a round, rounds sent and received so far.
    links, part, rounds, before, ring_of = [], [], [], [], []
    for ring, (members, gpu, size) in enumerate(rings):
        first = len(links)
        for place, member in enumerate(members):
            links.append(path_of(draw, member, members[(place + 1) % len(members)], gpu))
            part.append(size / len(members))
            rounds.append(2 * (len(members) - 1))
            before.append(first + (place - 1) % len(members))
            ring_of.append(ring)
    after = {one: other for other, one in enumerate(before)}
    incidence = numpy.zeros((len(links), LINKS))
    for connection, path in enumerate(links):
        incidence[connection, path] = 1
    sent, arrived = numpy.ones(len(links), dtype=int), numpy.zeros(len(links), dtype=int)
    left = numpy.array(part)
    active = numpy.ones(len(links), dtype=bool)
    now, ends = 0.0, [0.0] * len(rings)
    while active.any():
        rates = numpy.zeros(len(links))
        rates[active] = max_min_rates(incidence[active]) * BYTES_A_SECOND
        need = numpy.where(active, left / numpy.maximum(rates, 1), numpy.inf)
        step = need.min()
        now += step
        left -= rates * step
        ended = active & (need <= step * (1 + 1e-9))
        active &= ~ended
        arrived[ended] += 1
        for one in numpy.nonzero(ended)[0]:
            ends[ring_of[one]] = now
            # Its next round, and that of the member which it sent to.
            for other in (one, after[one]):
                may = sent[other] < rounds[other] and not active[other]
                if may and arrived[before[other]] >= sent[other] and arrived[other] == sent[other]:
                    sent[other] += 1
                    active[other] = True
                    left[other] = part[other]
    return ends


class HashedGraphTest(ProgramTest):
    def executed(self, expert_bytes, dense_bytes, seeds):
        for rank, content in enumerate(traces(expert_bytes, dense_bytes)):
            self.file(f"job.{rank}.et", content)
        times = []
        for seed in seeds:
            result = run("simulate", "--chakra", self.folder / "job", "--fabric", "mixnet",
                         "--bandwidth", "400Gbps", "--latency", "0us", "--paths", "ecmp",
                         "--fidelity", "fluid", "--seed", seed, "--json", "-")
            self.assertEqual((result.status, result.err), (0, b""), str(result))
            document = json.loads(result.out)
            kind, = [one for one in document["graph"]["kinds"] if one["tasks"] > 0]
            times.append((document["iteration_seconds"], kind["task_seconds"] / kind["tasks"]))
        return times

    def check(self, ours, theirs):
        """The last and the mean all-reduce, over all seeds."""
        theirs = [(max(ends), statistics.mean(ends)) for ends in theirs]
        for one, other in zip(zip(*ours), zip(*theirs)):
            ratio = statistics.mean(one) / statistics.mean(other)
            print(f"{statistics.mean(one) * 1e3:.3f} ms, hashed one by one "
                  f"{statistics.mean(other) * 1e3:.3f} ms: {ratio - 1:+.2%}")
            self.assertAlmostEqual(ratio, 1, delta=0.03)
        self.assertGreater(len({last for last, _ in ours}), 2, "the seed draws other paths")

    def test_experts_of_two_replicas(self):
        self.check(self.executed(16_000_000, 0, range(1, 151)),
                   [seconds(16_000_000, 0, seed) for seed in range(300)])

    def test_experts_and_dense_parameters(self):
        self.check(self.executed(16_000_000, 8_000_000, range(1, 61)),
                   [seconds(16_000_000, 8_000_000, seed) for seed in range(12)])


if __name__ == "__main__":
    program.main()
