"""Memory of a job: what certainly does not fit is refused with what would, and what ran on real
clusters is accepted."""

import csv
import json
import os
import pathlib
import sys

import program
from program import ProgramTest, answer, run

SHARED = pathlib.Path(os.environ.get("MIXNET_SHARED_DATA_DIR", "../shared/data"))
RUNS = SHARED / "published_training.csv"
STATES = ("parameters_bytes", "gradients_bytes", "optimizer_bytes")
IDEAL = ["--fabric", "ideal", "--routing", "uniform"]


def memory(*words):
    return answer("compare", *IDEAL, *words)["memory"]


class MemoryTest(ProgramTest):
    def test_refusals(self):
        for model, gpus in (("deepseek-v3", 64), ("kimi-k2", 16), ("mixtral-8x7b", 8)):
            for plan in ([], ["--tp", 1, "--pp", 1, "--ep", 8, "--micro-batch-size", 1]):
                result = run("compare", "--model", model, "--gpus", gpus, *plan)
                self.assertEqual(result.status, 2, result)
                self.assertEqual(result.out, b"", result)
                text = result.err.decode()
                self.assertEqual(text.count("\n"), 1, text)
                self.assertTrue(text.startswith("mixnet: memory: "), text)
                self.assertIn("what fits: ", text)

    def test_what_would_fit_fits(self):
        for job in (["--model", "deepseek-v3", "--gpus", 256, "--tp", 1, "--pp", 4, "--ep", 64,
                     "--micro-batch-size", 8],
                    # Too few GPUs for any plan, and a recompute that was given.
                    ["--model", "qwen3-235b-a22b", "--gpus", 16, "--tp", 8, "--pp", 2, "--ep", 32,
                     "--etp", 1, "--seq-length", 32768, "--recompute", "none"],
                    ["--model", "kimi-k2", "--gpus", 64, "--tp", 1, "--pp", 16, "--zero", 0,
                     "--recompute", "selective"]):
            text = run("compare", *job).err.decode()
            self.assertIn("what fits: ", text)
            flags = text.split("what fits: ")[1].split(";")[0].split(", or ")[0].split()
            words = [str(word) for word in job]
            for flag, value in zip(flags[::2], flags[1::2]):
                if flag in words:
                    words[words.index(flag) + 1] = value
                else:
                    words += [flag, value]
            self.assertTrue(memory(*words)["fits"], words)

    def test_what_does_not_go_together_is_said_before(self):
        text = run("compare", "--model", "deepseek-v3", "--gpus", 64, "--pp", 2, "--vpp", 2,
                   "--schedule", "eager-1f1b").err.decode()
        self.assertIn("mixnet: --vpp: does not go with --schedule eager-1f1b", text)

    def test_ignoring_goes_on_with_a_warning(self):
        job = ["compare", "--model", "mixtral-8x7b", "--micro-batch-size", 8, "--recompute", "none", *IDEAL]
        self.assertEqual(run(*job).status, 2)
        result = run(*job, "--ignore-memory")
        self.assertEqual(result.status, 0, result)
        self.assertIn(b"Beware: this does not fit", result.out)
        result = run(*job, "--ignore-memory", "--json", "-")
        self.assertIn(b"note: Beware: this does not fit", result.err)
        self.assertFalse(json.loads(result.out)["memory"]["fits"])

    def test_a_micro_batch_that_nobody_gave_is_cut(self):
        job = ["compare", "--model", "deepseek-v3", *IDEAL]
        document = json.loads(run(*job, "--json", "-").out)
        self.assertEqual(document["memory"]["micro_batch_cut_from"], 8)
        self.assertEqual(document["plan"]["micro_batch_size"], 4)
        self.assertTrue(document["memory"]["fits"])
        self.assertEqual(run(*job, "--micro-batch-size", 8).status, 2)

    def test_states_are_those_of_a_count_by_hand(self):
        # Mixtral 8x7B on 32 GPUs, tp 2, pp 2, ep 4 x etp 2: dp 8, experts twice. Stage 0.
        hidden, wide, layers = 4096, 14336, 16
        whole = layers * (2 * hidden + hidden * 8)
        split = layers * 2 * (hidden * 4096 + hidden * 1024) // 2 + 32000 * hidden // 2
        experts = layers * 8 // 4 * 3 * hidden * wide // 2
        dense = whole + split
        for zero in range(4):
            use = memory("--model", "mixtral-8x7b", "--gpus", 32, "--tp", 2, "--pp", 2, "--ep", 4,
                         "--micro-batch-size", 1, "--zero", zero, "--gradient-bytes", 4,
                         "--recompute", "full", "--ignore-memory")
            every, share = dense + experts, -(-dense // 8) + -(-experts // 2)
            held = [share if zero >= stage else every for stage in (3, 2, 1)]
            if use["worst_stage"] == 0:
                self.assertEqual([use[part] for part in STATES],
                                 [size * each for size, each in zip((2, 4, 12), held)])
            else:  # the head's norm is beside the matrix, which is as large as the embedding
                self.assertEqual(use["parameters_bytes"] >= 2 * held[0], True)

    def test_flags(self):
        job = ["--model", "mixtral-8x7b", *IDEAL]
        full = answer("compare", *job, "--recompute-granularity", "full")
        self.assertEqual(full["memory"]["recompute"], "full")
        self.assertFalse(full["memory"]["recompute_chosen"])
        selective = answer("compare", *job)
        self.assertEqual(selective["memory"]["recompute"], "selective")
        paper = answer("compare", *job, "--paper")
        self.assertEqual((paper["memory"]["recompute"], paper["memory"]["zero"]), ("none", 0))
        seconds = [one["runs"][0]["iteration_seconds"] for one in (paper, selective, full)]
        self.assertEqual(seconds, sorted(seconds))
        self.assertGreater(seconds[2], 1.2 * seconds[0])
        for flags, wrong in ((["--recompute", "most"], "--recompute"), (["--zero", "4"], "--zero"),
                             (["--moment-bytes", "3"], "--moment-bytes")):
            result = run("compare", *job, *flags)
            self.assertEqual(result.status, 2, result)
            self.assertIn(f"mixnet: {wrong}: ", result.err.decode())

    def test_in_a_timeline_and_a_sweep(self):
        job = ["--model", "mixtral-8x7b", "--gpus", 256, "--fabric", "fat-tree", "--zero", 3,
               "--recompute", "full", "--bandwidth", "100Gbps"]
        result = run("simulate", *job, "--timeline",
                     self.folder / "t.json", "--timeline-regions", 1)
        self.assertEqual(result.status, 0, result)
        self.assertIn(b"memory of the worst rank: ", result.out)
        names = {one.get("name") for one in 
                 json.loads((self.folder / "t.json").read_text())["traceEvents"]}
        self.assertIn("experts", names)
        study = self.file(
            "study.yaml", "model: mixtral-8x7b\ngpus: 256\nfabric: fat-tree\nrecompute: [none, selective, full]\n"
            "ignore-memory: true\nzero: [1, 3]\n")
        result = run("sweep", study, "--out", self.folder / "results")
        self.assertEqual(result.status, 0, result)

    def test_what_ran_on_real_clusters_fits(self):
        if not RUNS.exists():
            self.skipTest(f"no {RUNS}: published runs are not in the repository")
        with open(RUNS, encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        self.assertGreaterEqual(len(rows), 19)
        for row in rows:
            config = SHARED / "models" / f"{row['model']}.json"
            words = ["--model", config if config.exists() else row["model"], "--gpu", row["gpu"],
                     "--gradient-bytes", 4, "--precision", row["precision"]]
            for flag, key in (("--gpus", "gpus"), ("--tp", "tp"), ("--ep", "ep"), ("--etp", "etp"),
                              ("--pp", "pp"), ("--vpp", "vpp"), ("--cp", "cp"),
                              ("--micro-batch-size", "micro_batch"),
                              ("--global-batch-size", "global_batch"), ("--seq-length", "seq")):
                if row[key]:
                    words += [flag, row[key]]
            # A stage of 32 GPUs is no whole NVL72; to memory that is all the same.
            words += ["--gpus-per-server", min(int(row["gpus_per_server"]), 32)]
            use = memory(*words)
            with self.subTest(row["name"]):
                self.assertTrue(use["fits"], use)
                self.assertIn(use["recompute"], ("none", "selective"), use)
                print(f"{row['name']}: {use['total_bytes'] / 1e9:.1f} GB, {use['recompute']}",
                      file=sys.stderr)


if __name__ == "__main__":
    program.main()
