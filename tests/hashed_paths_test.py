"""`mixnet compare --paths ecmp` against flows hashed one by one.

What follows knows nothing of the program but its command line: an EP group of LLaMA-MoE is two
servers of eight GPUs and NICs, under two ToRs of one pod of a fat-tree, each ToR with eight uplinks.
Every GPU sends as much to every GPU of the other server, each two of them over a connection of their
own, which enters at the NIC of the sender's place. Each connection takes an uplink at random, and
comes down by the same aggregation switch. Rates are max-min fair.
"""

import random
import statistics
import unittest

from program import ProgramTest, compare

GPUS = 8  # of a server
UPLINKS = 8
SEEDS = range(1, 13)


def max_min_time(flows):
    """When the last of `flows`, lists of links of rate 1 that carry one byte each, has ended."""
    left = [1.0] * len(flows)
    running = set(range(len(flows)))
    now = 0.0
    while running:
        rates = {}
        free = {}
        crossing = {}
        for flow in running:
            for link in flows[flow]:
                free[link] = 1.0
                crossing.setdefault(link, set()).add(flow)
        unfixed = set(running)
        while unfixed:
            link = min((link for link in crossing if crossing[link]),
                       key=lambda link: free[link] / len(crossing[link]))
            share = free[link] / len(crossing[link])
            for flow in list(crossing[link]):
                rates[flow] = share
                unfixed.discard(flow)
                for other in flows[flow]:
                    free[other] -= share
                    crossing[other].discard(flow)
        step = min(left[flow] / rates[flow] for flow in running)
        now += step
        for flow in list(running):
            left[flow] -= rates[flow] * step
            if left[flow] < 1e-9:
                running.discard(flow)
    return now


def hashed_flows(draw):
    """Both directions: one flow from each GPU of a server to each GPU of the other."""
    flows = []
    for server in range(2):
        for sender in range(GPUS):
            for _ in range(GPUS):
                uplink = draw.randrange(UPLINKS)
                flows.append([("nic", server, sender), ("up", server, uplink),
                              ("down", 1 - server, uplink), ("in", 1 - server, sender)])
    return flows


def busiest_link(flows):
    loads = {}
    for flow in flows:
        for link in flow:
            loads[link] = loads.get(link, 0) + 1
    return max(loads.values())


class HashedPathsTest(ProgramTest):
    def ep(self, paths, seed, routing="uniform"):
        """Of the average GPU, on LLaMA-MoE's fat-tree."""
        run = compare("--model", "llama-moe", "--gpus", "1024", "--fabric", "fat-tree",
                      "--bandwidth", "400Gbps", "--dispatch", "copies", "--routing", routing, "--paths", paths,
                      "--seed", seed)["fat-tree", 400]
        return run["exposed_seconds"]["ep"]

    def test_flows_of_one_size_take_what_the_busiest_link_does(self):
        for seed in range(20):
            flows = hashed_flows(random.Random(seed))
            self.assertAlmostEqual(max_min_time(flows), busiest_link(flows))

    def test_the_mean_over_seeds_is_that_of_flows_hashed_one_by_one(self):
        draw = random.Random(1)
        one_by_one = statistics.mean(busiest_link(hashed_flows(draw)) for _ in range(4000)) / GPUS
        sprayed = self.ep("spray", 1)
        hashed = statistics.mean(self.ep("ecmp", seed) for seed in SEEDS) / sprayed
        self.assertLess(abs(hashed / one_by_one - 1), 0.03,
                        f"{hashed:.3f} times sprayed paths; one by one {one_by_one:.3f}")

    def test_the_seed_matters_and_nothing_else_does(self):
        self.assertEqual(self.ep("ecmp", 1), self.ep("ecmp", 1))
        self.assertNotEqual(self.ep("ecmp", 1), self.ep("ecmp", 2))
        self.assertEqual(self.ep("spray", 1), self.ep("spray", 2))


if __name__ == "__main__":
    unittest.main()
