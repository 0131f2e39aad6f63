"""`mixnet compare` in packets: what shortcuts cost and save, on whole iterations.

The limits are those that the project promises for two cores; CPU time counts, of all threads.
"""

import json
import os
import unittest

import program
from program import DATA, SLOWDOWN, ProgramTest, answer, compare, run

PAIRS = [(fabric, gbps) for fabric in ("fat-tree", "mixnet") for gbps in (100, 400)]


def iteration(fabric, gbps, *words):
    return run("compare", "--model", "mixtral-8x22b", "--gpus", "1024", "--fabric", fabric,
               "--bandwidth", f"{gbps}Gbps", "--fidelity", "auto", *words, "--json", "-")


class WholeIterationTest(ProgramTest):
    @unittest.skipIf(SLOWDOWN > 1, "takes a release build")
    def test_all_demands_different_within_two_minutes(self):
        for fabric, gbps in PAIRS:
            with self.subTest(f"{fabric} at {gbps} Gb/s"):
                # hitless sends over three sets of circuits, and so has fewer samples of each.
                for words, error in ((["--paper"], 0.01), ([], 0.02)):
                    result = iteration(fabric, gbps, *words)
                    self.assertEqual(result.status, 0, str(result))
                    self.assertLess(result.cpu_seconds, 240)
                    report = json.loads(result.out)["runs"][0]["packets"]
                    self.assertGreater(report["fluid"], report["in_packets"])
                    self.assertLess(report["error_estimate"], error)
                    self.assertEqual(report["phases"],
                                     report["in_packets"] + report["reused"] + report["fluid"])

    def test_repeated_demands_cost_a_five_hundredth(self):
        for gbps in (100, 400):
            with self.subTest(f"{gbps} Gb/s"):
                result = iteration("fat-tree,mixnet", gbps, "--routing", "measured")
                self.assertEqual(result.status, 0, str(result))
                plain = 0
                for one in json.loads(result.out)["runs"]:
                    report = one["packets"]
                    self.assertEqual(report["fluid"], 0)
                    self.assertGreater(report["plain_packet_hops"], 1000 * report["packet_hops"])
                    plain += report["plain_packet_hops"]
                # By time, at the speed that plain packets have on an idle machine of this kind.
                self.assertGreater(plain / 25e6 / result.cpu_seconds, 500 / SLOWDOWN)


class SmallIterationTest(ProgramTest):
    """One region, two layers, two micro-batches."""

    def setUp(self):
        super().setUp()
        config = json.loads((DATA / "models" / "mixtral-8x22b.json").read_text(encoding="utf-8"))
        config.pop("mixnet")
        config["num_hidden_layers"] = 2
        self.job = ["--model", self.file("config.json", json.dumps(config)), "--gpus", "64",
                    "--tp", "8", "--pp", "1", "--ep", "8", "--micro-batch-size", "1",
                    "--global-batch-size", "16", "--bandwidth", "100Gbps,400Gbps", "--fabric",
                    "fat-tree,mixnet"]

    def test_auto_is_within_one_percent_of_plain_packets(self):
        plain = compare(*self.job, "--fidelity", "packet", "--shortcuts", "none")
        for words in ([], ["--packet-budget", "1"], ["--shortcuts", "steady"]):
            short = compare(*self.job, "--fidelity", "auto", *words)
            for key, one in plain.items():
                self.assertAlmostEqual(short[key]["iteration_seconds"] / one["iteration_seconds"],
                                       1, delta=0.01, msg=f"{words} {key}")
                self.assertLessEqual(short[key]["packets"]["packet_hops"],
                                     one["packets"]["packet_hops"])

    def test_reuse_changes_nothing(self):
        plain = compare(*self.job, "--fidelity", "packet", "--shortcuts", "none")
        reused = compare(*self.job, "--fidelity", "packet")
        for key, one in plain.items():
            self.assertEqual(reused[key]["iteration_seconds"], one["iteration_seconds"], key)

    def test_threads_do_not_matter(self):
        outputs = set()
        for threads in ("1", "2", "3"):
            result = run("compare", *self.job, "--fidelity", "auto", "--json", "-",
                         env=os.environ | {"MIXNET_THREADS": threads})
            self.assertEqual(result.status, 0, str(result))
            outputs.add(result.out)
        self.assertEqual(len(outputs), 1)
        bad = run("compare", *self.job, env=os.environ | {"MIXNET_THREADS": "0"})
        self.assertEqual(bad.status, 2)
        self.assertIn(b"MIXNET_THREADS", bad.err)

    def test_transports_and_paths(self):
        for words in (["--transport", "dcqcn"], ["--paths", "ecmp"], ["--free-acks"],
                      ["--mtu", "1500"]):
            runs = compare(*self.job, "--fidelity", "packet", *words)
            fluid = compare(*self.job, *(words if words[0] == "--paths" else []))
            for key, one in runs.items():
                ratio = one["iteration_seconds"] / fluid[key]["iteration_seconds"]
                self.assertTrue(0.99 < ratio < 1.5, f"{words} {key} {ratio}")

    def test_policies_of_the_switch(self):
        for policy in ("hitless", "copilot"):
            job = [*self.job[:-1], "mixnet", "--reconfiguration", policy,
                   "--reconfiguration-delay", "300us"]
            fluid = compare(*job)
            packet = compare(*job, "--fidelity", "packet")
            auto = compare(*job, "--fidelity", "auto", "--packet-budget", "1")
            for key, one in packet.items():
                ratio = one["iteration_seconds"] / fluid[key]["iteration_seconds"]
                self.assertTrue(1 <= ratio < 1.03, f"{policy} {key} {ratio}")
                self.assertAlmostEqual(auto[key]["iteration_seconds"] / one["iteration_seconds"], 1,
                                       delta=0.01, msg=f"{policy} {key}")

    def test_fluid_says_nothing_of_packets(self):
        for one in answer("compare", *self.job)["runs"]:
            self.assertEqual(one["fidelity"], "fluid")
            self.assertNotIn("packets", one)

    def test_flow_is_an_alias(self):
        self.assertEqual(answer("compare", *self.job, "--fidelity", "flow"),
                         answer("compare", *self.job, "--fidelity", "fluid"))


if __name__ == "__main__":
    program.main()
