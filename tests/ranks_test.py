"""Rank maps of folded plans against a few lines of their own, which nest loops as Megatron-LM nests
its groups; and the plans of published training runs, by their own flags."""

import csv
import io
import itertools
import os
import pathlib

import program
from program import ProgramTest, run

# gpus, tp, cp, pp, ep, etp of Mixtral 8x22B (48 heads, 8 experts, 56 layers) or Qwen3-235B.
FOLDED = [
    ("mixtral-8x22b", 128, 2, 1, 8, 8, 1), ("mixtral-8x22b", 128, 2, 1, 8, 4, 2),
    ("mixtral-8x22b", 128, 4, 1, 4, 8, 1), ("mixtral-8x22b", 128, 4, 2, 4, 8, 1),
    ("mixtral-8x22b", 128, 1, 8, 4, 8, 1), ("mixtral-8x22b", 64, 1, 1, 8, 8, 1),
    ("mixtral-8x22b", 64, 8, 1, 1, 8, 1), ("mixtral-8x22b", 64, 8, 1, 1, 8, 8),
    ("mixtral-8x22b", 64, 1, 1, 4, 2, 8), ("mixtral-8x22b", 64, 2, 4, 1, 8, 2),
    ("mixtral-8x22b", 256, 2, 2, 8, 4, 2), ("mixtral-8x22b", 32, 4, 1, 2, 2, 2),
    ("mixtral-8x22b", 32, 2, 1, 4, 8, 1), ("mixtral-8x22b", 16, 2, 4, 1, 8, 2),
    ("qwen3-235b-a22b", 256, 2, 1, 8, 32, 1), ("qwen3-235b-a22b", 256, 4, 1, 2, 128, 1),
    ("qwen3-235b-a22b", 128, 4, 2, 2, 64, 1), ("qwen3-235b-a22b", 64, 4, 1, 1, 16, 4),
    ("qwen3-235b-a22b", 64, 1, 8, 1, 64, 1), ("qwen3-235b-a22b", 32, 2, 2, 2, 16, 1),
]
# Likewise of stages that are a part of a server, and of domains used in part: GPUs that a server has,
# and that are in use.
IN_PARTS = [
    (("mixtral-8x22b", 16, 4, 1, 4, 1, 4), 8, 8), (("mixtral-8x22b", 32, 1, 1, 8, 4, 1), 8, 8),
    (("mixtral-8x22b", 64, 2, 1, 4, 8, 1), 64, 64), (("mixtral-8x22b", 144, 1, 1, 2, 8, 1), 72, 72),
    (("qwen3-235b-a22b", 256, 1, 1, 8, 32, 1), 72, 64), (("mixtral-8x22b", 64, 2, 1, 4, 8, 1), 72, 64),
    (("mixtral-8x22b", 96, 2, 1, 2, 8, 1), 72, 48), (("mixtral-8x22b", 12, 2, 1, 2, 1, 2), 12, 12),
]


def expected(gpus, tp, cp, pp, ep, etp, server=8):
    dp, expert_dp = gpus // (tp * cp * pp), gpus // (ep * etp * pp)
    dense = list(itertools.product(range(pp), range(dp), range(cp), range(tp)))
    experts = list(itertools.product(range(pp), range(expert_dp), range(ep), range(etp)))
    rows = []
    for rank in range(gpus):
        stage, replica, e, t = experts[rank]
        rows.append((rank, rank // server, rank % server, *dense[rank], replica, e, t,
                     stage * expert_dp + replica))
    return rows


class RanksTest(ProgramTest):
    def test_twenty_folded_plans(self):
        self.assertEqual(len(FOLDED), 20)
        for model, gpus, tp, cp, pp, ep, etp in FOLDED:
            with self.subTest(plan=(model, gpus, tp, cp, pp, ep, etp)):
                result = run("ranks", "--model", model, "--gpus", gpus, "--tp", tp, "--cp", cp, "--pp",
                             pp, "--ep", ep, "--etp", etp, "--micro-batch-size", 1,
                             "--global-batch-size", 4 * gpus, "--csv", "-")
                self.assertEqual((result.status, result.err), (0, b""), str(result))
                rows = list(csv.reader(io.StringIO(result.out.decode())))[1:]
                self.assertEqual([tuple(map(int, row)) for row in rows],
                                 expected(gpus, tp, cp, pp, ep, etp))

    def test_stages_and_domains_in_part(self):
        for (model, gpus, tp, cp, pp, ep, etp), server, used in IN_PARTS:
            with self.subTest(plan=(model, gpus, tp, cp, pp, ep, etp), server=server):
                flags = ["--model", model, "--gpus", gpus, "--gpus-per-server", server, "--tp", tp,
                         "--cp", cp, "--pp", pp, "--ep", ep, "--etp", etp, "--micro-batch-size", 1,
                         "--global-batch-size", 4 * gpus]
                result = run("ranks", *flags, "--csv", "-")
                self.assertEqual((result.status, result.err), (0, b""), str(result))
                rows = list(csv.reader(io.StringIO(result.out.decode())))[1:]
                self.assertEqual([tuple(map(int, row)) for row in rows],
                                 expected(gpus, tp, cp, pp, ep, etp, used))
                idle = f", {used} of {server} GPUs each in use" if used < server else ";"
                self.assertIn(idle, run("ranks", *flags).out.decode())

    def test_servers_used_in_part_are_bought_whole(self):
        plan = ["--model", "mixtral-8x22b", "--gpu", "gb200", "--gpus", 64, "--tp", 2, "--pp", 4,
                "--ep", 8, "--fabric", "nvl72,fat-tree", "--routing", "uniform",
                "--micro-batch-size", 1, "--global-batch-size", 64, "--bandwidth", "400Gbps"]
        part, whole = [program.compare(*plan, "--gpus-per-server", n) for n in (72, 64)]
        for fabric in ("nvl72", "fat-tree"):
            self.assertEqual(part[(fabric, 400)]["iteration_seconds"],
                             whole[(fabric, 400)]["iteration_seconds"])
        costs = [one[("fat-tree", 400)]["cluster_cost_usd"] for one in (part, whole)]
        self.assertGreater(costs[0], 1.1 * costs[1])

    def test_plans_of_published_runs(self):
        """By their own flags."""
        shared = pathlib.Path(os.environ.get("MIXNET_SHARED_DATA_DIR", "none"))
        table = shared / "published_training.csv"
        if not table.exists():
            self.skipTest(f"{table} is not here")
        taken = 0
        for row in csv.DictReader(io.StringIO(table.read_text())):
            own = shared / "models" / (row["model"] + ".json")
            words = ["--model", own if own.exists() else row["model"], "--global-batch-size",
                     row["global_batch"], "--seq-length", row["seq"], "--micro-batch-size",
                     row["micro_batch"]]
            for flag in ("gpus", "gpus_per_server", "tp", "ep", "etp", "pp", "vpp", "cp"):
                if row[flag]:
                    words += ["--" + flag.replace("_", "-"), row[flag]]
            with self.subTest(name=row["name"]):
                result = run("ranks", *words, "--csv", "-")
                self.assertEqual((result.status, result.err), (0, b""), str(result))
                self.assertEqual(result.out.count(b"\n"), int(row["gpus"]) + 1)
                taken += 1
        self.assertGreaterEqual(taken, 19)

    def test_virtual_stages_shorten_the_bubble(self):
        plan = ["--model", "mixtral-8x22b", "--gpus", 128, "--tp", 2, "--pp", 8, "--ep", 8, "--etp", 1,
                "--micro-batch-size", 1, "--global-batch-size", 256, "--fabric", "ideal",
                "--routing", "uniform"]
        bubble = [program.compare(*plan, "--vpp", vpp)[("ideal", 400)]["exposed_seconds"]["bubble"]
                  for vpp in (1, 7)]
        # To a seventh, but for the head, for which the other stages wait either way.
        self.assertGreater(bubble[0] / bubble[1], 3)

    def test_uneven_virtual_stages_compute_as_much(self):
        plan = ["--model", "qwen3-235b-a22b", "--gpus", 256, "--tp", 2, "--pp", 8, "--ep", 32, "--etp", 1,
                "--micro-batch-size", 1, "--global-batch-size", 512, "--fabric", "ideal",
                "--routing", "uniform"]
        runs = [program.compare(*plan, "--vpp", vpp)[("ideal", 400)] for vpp in (1, 3, 4)]
        for run_ in runs[1:]:  # 94 layers: 3 or 4 a turn, and 2 or 3
            self.assertAlmostEqual(run_["compute_seconds"] / runs[0]["compute_seconds"], 1, places=9)
            self.assertLess(run_["exposed_seconds"]["bubble"], 0.6 * runs[0]["exposed_seconds"]["bubble"])

    def test_virtual_stages_have_a_schedule_of_their_own(self):
        result = run("compare", "--model", "mixtral-8x22b", "--gpus", 128, "--tp", 2, "--pp", 8,
                     "--vpp", 7, "--ep", 8, "--etp", 1, "--micro-batch-size", 1,
                     "--global-batch-size", 256, "--fabric", "ideal", "--schedule", "eager-1f1b")
        self.assertEqual((result.status, result.out), (2, b""), str(result))
        self.assertIn(b"--vpp: does not go with --schedule eager-1f1b", result.err)

    def test_a_folded_plan_is_compared(self):
        """All experts of a layer in one server: nothing of EP is left between servers."""
        plan = ["--model", "mixtral-8x22b", "--gpus", 128, "--tp", 2, "--pp", 8,
                "--micro-batch-size", 1, "--global-batch-size", 256, "--dispatch", "copies"]
        inside = program.compare(*plan, "--ep", 8, "--etp", 1, "--fabric", "fat-tree")
        across = program.compare(*plan, "--ep", 8, "--etp", 2, "--fabric", "fat-tree")
        ep = [one[("fat-tree", 400)]["exposed_seconds"]["ep"] for one in (inside, across)]
        self.assertLess(ep[0] * 2, ep[1])

    def test_impossible_folds_are_refused_with_a_plan_that_is_possible(self):
        for flags, said in ((["--etp", 3], "ep x etp = 8 x 3"),
                            (["--cp", 6], "cannot be divided by tp x cp x pp = 2 x 6 x 2"),
                            (["--cp", 16, "--cp-comm-type", "a2a"], "2 x 16 does not divide the 48")):
            result = run("ranks", "--model", "mixtral-8x22b", "--gpus", 128, "--tp", 2, "--pp", 2,
                         "--ep", 8, "--global-batch-size", 256, *flags)
            self.assertEqual((result.status, result.out), (2, b""), str(result))
            self.assertIn(said, result.err.decode())
            words = result.err.decode().partition("nearest possible: ")[2].split()
            again = run("ranks", "--model", "mixtral-8x22b", *words)
            self.assertEqual(again.status, 0, str(again))

    def test_a_sequence_over_servers(self):
        plan = ["--model", "mixtral-8x7b", "--gpus", 64, "--tp", 2, "--pp", 1, "--ep", 8, "--etp", 1,
                "--micro-batch-size", 1, "--global-batch-size", 32, "--seq-length", 32768,
                "--fabric", "fat-tree,mixnet,topoopt", "--routing", "uniform"]

        def tp_of(cp, comm):
            runs = program.compare(*plan, "--cp", cp, "--cp-comm-type", comm)
            return {fabric: runs[(fabric, 400)]["exposed_seconds"]["tp"]
                    for fabric in ("fat-tree", "mixnet", "topoopt")}

        self.assertEqual(tp_of(4, "p2p"), tp_of(4, "all_gather"))
        ring, gathered, ulysses = (tp_of(8, comm) for comm in ("p2p", "all_gather", "a2a"))
        for fabric, time in gathered.items():  # over all NICs, and not two GPUs' of a server
            self.assertLess(time, ring[fabric])
        self.assertGreater(ulysses["fat-tree"], 0)
        # By hand, what cp takes, beside which tp is little: 4096 tokens' keys and values of half of 8 heads, in 7 steps
        # to the next server at 50 GB/s, three times a layer and micro-batch.
        one = 2 * 4 * (128 + 128) * 4096 * 7 / 50e9
        micro_batches = 32 // (64 // 16)
        self.assertGreater(ring["fat-tree"], 3 * 32 * micro_batches * one)
        self.assertLess(ring["fat-tree"], 2 * 3 * 32 * micro_batches * one)

    def test_multi_token_prediction(self):
        plan = ["--model", "deepseek-v3", "--gpus", 256, "--tp", 1, "--pp", 16, "--ep", 8, "--etp", 1,
                "--micro-batch-size", 1, "--global-batch-size", 1024, "--fabric", "ideal,fat-tree",
                "--routing", "uniform"]
        none, one, default = [program.compare(*plan, *flags)
                              for flags in (["--mtp", 0], ["--mtp", 1], [])]
        self.assertEqual(one, default)
        key = ("fat-tree", 400)
        # One layer in 61, and the head again.
        grown = one[key]["compute_seconds"] / none[key]["compute_seconds"]
        self.assertTrue(1 + 1 / 61 < grown < 1.06, grown)
        grown = one[key]["exposed_seconds"]["ep"] / none[key]["exposed_seconds"]["ep"]
        self.assertAlmostEqual(grown, 59 / 58, places=3)  # layers with experts
        self.program_says(["--mtp", -1], "--mtp: -1 is out of range", plan)

    def test_capacity(self):
        plan = ["--model", "mixtral-8x22b", "--gpus", 128, "--tp", 2, "--pp", 8, "--ep", 8, "--etp", 2,
                "--micro-batch-size", 1, "--global-batch-size", 256, "--fabric", "fat-tree"]
        key = ("fat-tree", 400)
        all_, some, uniform, wide = [
            program.compare(*plan, *flags)[key] for flags in
            ([], ["--capacity-factor", 1], ["--routing", "uniform"], ["--capacity-factor", 8])]
        self.assertEqual(all_["iteration_seconds"], wide["iteration_seconds"])
        self.assertLess(some["compute_seconds"], all_["compute_seconds"])
        self.assertLessEqual(some["compute_seconds"], 1.001 * uniform["compute_seconds"])
        self.assertLess(some["exposed_seconds"]["ep"], all_["exposed_seconds"]["ep"])
        self.program_says(["--capacity-factor", 0], "--capacity-factor: 0 is out of range", plan)

    def program_says(self, flags, said, plan):
        result = run("compare", *plan, *flags)
        self.assertEqual((result.status, result.out), (2, b""), str(result))
        self.assertIn(said, result.err.decode())


if __name__ == "__main__":
    program.main()
