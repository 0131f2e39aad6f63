"""Random small jobs over all fabrics: sizes, rates from 1 Mb/s to 10 Tb/s, failures, packets and the
fluid, every policy. No run may crash, hang, be without an answer or a refusal of one line, have a
time that is negative, or parts that do not add up; more bandwidth or an ideal network must not cost
time in the fluid; and some are run again the slow way, without any shortcut, and must be the same.

As a test it runs a slice; `make torture` runs 10,000. TORTURE_JOBS and TORTURE_SEED say others.
"""

import concurrent.futures
import json
import os
import random
import sys

import program
from program import SLOWDOWN, ProgramTest, run

JOBS = int(os.environ.get("TORTURE_JOBS", "60" if SLOWDOWN == 1 else "15"))
SEED = int(os.environ.get("TORTURE_SEED", "1"))
# Of the jobs, those that are run again without shortcuts.
AGAIN = 0.02 if JOBS >= 1000 else 0.3
SAME = 1e-6  # of the time, in the fluid; packets are the same to the picosecond
FABRICS = ["fat-tree", "oversub-fat-tree", "rail-optimized", "topoopt", "mixnet", "ideal", "nvl72",
           "mixnet-optical-io"]
PRICES = "bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port\n"


def config(rng):
    """A small model of Mixtral's form."""
    heads = rng.choice([4, 8, 16])
    return {"model_type": "mixtral", "architectures": ["MixtralForCausalLM"],
            "num_hidden_layers": rng.choice([2, 2, 4]), "hidden_size": 64 * heads,
            "num_attention_heads": heads, "num_key_value_heads": 4,
            "intermediate_size": rng.choice([256, 1024, 4096]), "vocab_size": 32000,
            "num_local_experts": rng.choice([8, 16, 32]), "num_experts_per_tok": rng.choice([1, 2, 4])}


def failure(rng, gpus, per_server, nics):
    servers = max(1, gpus // per_server)
    part = rng.choice([f"nic:{rng.randrange(servers)}.{rng.randrange(nics)}",
                       f"link:{rng.randrange(servers)}.{rng.randrange(nics)}",
                       f"gpu:{rng.randrange(gpus)}", f"server:{rng.randrange(servers)}", "ocs:0"])
    return part + rng.choice(["", "", "@1ms", "@2s"])


def job(rng, model):
    """Most are possible."""
    per_server = rng.choice([1, 2, 4, 8])
    tp, pp, ep = rng.choice([1, 1, 2, 4]), rng.choice([1, 1, 2]), rng.choice([1, 2, 4, 8])
    gpus = max(per_server * pp, tp * pp * ep * rng.choice([1, 1, 2, 4]))
    fabrics = rng.sample(FABRICS, rng.randint(1, 4))
    one_a_gpu = {"nvl72", "mixnet-optical-io"}.intersection(fabrics)
    nics = rng.choice([n for n in (1, 2, 4, 8) if per_server % n == 0 and (n == per_server or not one_a_gpu)])
    words = ["--model", model, "--gpus", gpus, "--gpus-per-server", per_server,
             "--nics-per-server", nics, "--tp", tp, "--pp", pp, "--ep", ep,
             "--micro-batch-size", rng.choice([1, 2]), "--global-batch-size", rng.choice([64, 128]),
             "--seq-length", rng.choice([8, 64, 1024]), "--routing", rng.choice(["uniform", "dynamic"]),
             "--seed", rng.randrange(1000), "--compute-scale", rng.choice([1e-3, 1, 100])]
    mbps = [max(1, round(10 ** rng.uniform(0, 7))) for _ in range(rng.choice([1, 2]))]
    mbps = sorted(set(mbps))
    words += ["--bandwidth", ",".join(f"{one}Mbps" for one in mbps)]
    words += ["--fabric", ",".join(fabrics)]
    words += ["--reconfiguration", rng.choice(["block", "reuse", "copilot", "oracle", "hitless", "hidden"]),
              "--reconfiguration-delay", rng.choice(["0s", "1us", "1ms", "25ms", "10s"]),
              "--nic-up", rng.choice(["0s", "0s", "5.67s"])]
    for flag, values in (("--ep-split", ["balanced", "circuits-first"]), ("--paths", ["ecmp", "spray"]),
                         ("--allocator", ["refined", "greedy"]), ("--ep-nics", ["own", "rail"]),
                         ("--schedule", ["1f1b", "eager-1f1b"]), ("--ep-steps", ["pipelined", "sequential"]),
                         ("--tp-collective", ["reduce-scatter", "all-reduce"]), ("--dp-overlap", ["on", "off"]),
                         ("--backup", ["pool", "region"]), ("--zero", range(4)),
                         ("--recompute", ["none", "selective", "full"]), ("--degree", range(0, max(1, nics)))):
        if rng.random() < 0.3:
            words += [flag, rng.choice(values)]
    if rng.random() < 0.25:
        words += ["--fail", failure(rng, gpus, per_server, nics)]
    if rng.random() < 0.3:
        words += ["--fidelity", rng.choice(["auto", "packet"]), "--packet-budget", "200k",
                  "--transport", rng.choice(["dctcp", "dcqcn"])]
    words += ["--ignore-memory"]  # most are too large for their GPUs
    rows = "".join(f"{one / 1000},1,2,3,4,5\n" for one in mbps)
    return [str(word) for word in words], PRICES + rows


class TortureTest(ProgramTest):
    def check(self, words, out):
        """The answer of one job; its runs."""
        runs = json.loads(out)["runs"]
        for one in runs:
            parts = [one["compute_seconds"], *one["exposed_seconds"].values(), one.get("lost_seconds", 0)]
            self.assertTrue(all(part >= 0 for part in parts), f"{words}: {one}")
            total = one["iteration_seconds"]
            self.assertAlmostEqual(sum(parts), total, delta=1e-8 + 1e-8 * total, msg=str(words))
            self.assertGreater(one["tokens_per_second"], 0, words)
        times = {(one["fabric"], one["bandwidth_gbps"]): one["iteration_seconds"] for one in runs}
        if "--fail" in words or "--fidelity" in words:
            return
        for (fabric, gbps), seconds in times.items():
            ideal = times.get(("ideal", gbps))
            self.assertTrue(ideal is None or ideal <= seconds * (1 + 1e-9), f"{words}: ideal")

    def one(self, number):
        """Status of one job, which must be 0 or 2."""
        rng = random.Random(SEED * 1_000_003 + number)
        model = self.file(f"m{number}.json", json.dumps(config(rng)))
        words, prices = job(rng, model)
        words += ["--prices", str(self.file(f"p{number}.csv", prices)), "--json", "-"]
        result = run("compare", *words)
        what = f"job {number}: {result}"
        self.assertIn(result.status, (0, 2), what)
        if result.status == 2:
            self.assertEqual(result.err.count(b"\n"), 1, what)
            self.assertTrue(result.err.startswith(b"mixnet: "), what)
            return 2
        self.check(words, result.out)
        if "auto" not in words and rng.random() < AGAIN:
            plain = run("compare", *words, "--shortcuts", "none")
            self.assertEqual(plain.status, 0, str(plain))
            for mine, theirs in zip(json.loads(result.out)["runs"], json.loads(plain.out)["runs"], strict=True):
                seconds = mine["iteration_seconds"]
                self.assertAlmostEqual(theirs["iteration_seconds"], seconds, msg=what,
                                       delta=0 if "packet" in words else SAME * seconds)
            self.again += 1
        return 0

    def test_found(self):
        """What random jobs found. A server whose electrical NIC failed sends by its neighbour's: in
        packets, to that neighbour, it was a path of no links."""
        words = ["compare", "--model", "mixtral-8x7b", "--gpus", "4", "--gpus-per-server", "2", "--tp", "4",
                 "--pp", "1", "--ep", "1", "--micro-batch-size", "1", "--global-batch-size", "4",
                 "--seq-length", "64", "--routing", "uniform", "--fabric", "mixnet",
                 "--fail", "nic:0.1@2s", "--ignore-memory", "--fidelity"]
        for fidelity in ("packet", "auto", "fluid"):
            result = run(*words, fidelity, "--json", "-")
            self.assertEqual(result.status, 0, str(result))
            self.check(words, result.out)

    def test_random_jobs(self):
        answered = 0
        self.again = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for done, status in enumerate(pool.map(self.one, range(JOBS)), 1):
                answered += status == 0
                if sys.stderr.isatty():
                    print(f"\r{done} of {JOBS} jobs\x1b[K", end="", file=sys.stderr)
        print(f"{JOBS} jobs: {answered} answered, {JOBS - answered} refused; {self.again} of them again "
              "without shortcuts", file=sys.stderr)
        self.assertGreater(answered, JOBS / 4)
        self.assertGreater(self.again, JOBS * AGAIN / 4)


if __name__ == "__main__":
    program.main()
