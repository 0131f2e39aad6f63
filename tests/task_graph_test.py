"""Task graphs through the program: `mixnet simulate --task-graph` and `mixnet convert`."""

import json
import os
import shutil
import subprocess

import program
from program import ProgramTest, PROGRAM, SLOWDOWN, run

DLRM = program.graph("100dlrm_16")
TRANSFORMER = program.graph("100transformer_32")
MOE = program.graph("moe64_1L_16MB")
TWO_MICRO_BATCHES = program.graph("moe64_1L_mb2")
# Theirs, or their made-up twins, of which the times are ours.
IS_THEIRS = DLRM.parent == program.SHARED_GRAPHS
TIMES = {DLRM: 61.244, TRANSFORMER: 128.043, MOE: 50.175, "mixnet": 71.306} if IS_THEIRS else \
    {DLRM: 5.204, TRANSFORMER: 10.154, MOE: 29.255, "mixnet": 50.747}
GNU_TIME = "/usr/bin/time"
# As the authors' simulators have it (docs/task-graphs.md).
THEIRS = ["--free-acks", "--initial-window", "2"]


def simulate(graph, *words):
    result = run("simulate", "--task-graph", graph, *words, "--json", "-")
    if result.status != 0 or result.err:
        raise AssertionError(str(result))
    return json.loads(result.out)


def peak_memory(*words):
    """Kilobytes of the largest resident set of `mixnet WORDS...`, the least of five runs: how much of
    the libraries is mapped differs from one to the next. The program is read from disk anew: as the
    linker left it in memory, it lies in larger pieces, and 0.3 MB more of it are mapped with what is
    used. GNU time measures it, which is small; a child of Python's begins with all that Python has."""
    with open(shutil.which(PROGRAM), "rb") as program:
        os.fsync(program.fileno())
        os.posix_fadvise(program.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def once():
        done = subprocess.run([GNU_TIME, "-f", "%M", PROGRAM, *map(str, words)], check=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return int(done.stderr.split()[-1])
    return min(once() for _ in range(5))


class TaskGraphTest(ProgramTest):
    def test_published_times_on_a_fat_tree(self):
        dlrm = simulate(DLRM, "--fabric", "fat-tree", *THEIRS)
        self.assertEqual(dlrm["hosts"], 16)
        self.assertAlmostEqual(dlrm["iteration_seconds"] * 1e3 / TIMES[DLRM], 1, delta=0.05)
        words = ["--fabric", "fat-tree", "--hosts", "54", *THEIRS]
        transformer = simulate(TRANSFORMER, *words)
        self.assertAlmostEqual(transformer["iteration_seconds"] * 1e3 / TIMES[TRANSFORMER], 1, delta=0.05)

    def test_published_times_of_a_mixture_of_experts(self):
        mixnet = simulate(MOE, "--fabric", "mixnet", "--degree", "6", *THEIRS)
        self.assertAlmostEqual(mixnet["iteration_seconds"] * 1e3 / TIMES["mixnet"], 1, delta=0.05)
        self.assertEqual(mixnet["reconfigurations"], 1)
        tree = simulate(MOE, "--fabric", "fat-tree", "--mtu", "1500", *THEIRS)
        self.assertAlmostEqual(tree["iteration_seconds"] * 1e3 / TIMES[MOE], 1, delta=0.05)

    def test_memory(self):
        if SLOWDOWN > 1:
            self.skipTest("sanitizers take memory of their own")
        if not os.access(GNU_TIME, os.X_OK):
            self.skipTest(f"{GNU_TIME} is absent, which measures it")
        words = ["--fabric", "fat-tree", *THEIRS]
        # A quarter of what the authors' simulator takes: 31 MB and 406 MB.
        self.assertLess(peak_memory("simulate", "--task-graph", DLRM, *words), 31_000 / 4)
        self.assertLess(peak_memory("simulate", "--task-graph", TRANSFORMER, *words), 406_000 / 4)

    def test_every_fabric(self):
        times = {}
        for fabric in ("ideal", "rail-optimized", "fat-tree", "oversub-fat-tree", "mixnet"):
            answer = simulate(TWO_MICRO_BATCHES, "--fabric", fabric, "--fidelity", "fluid")
            self.assertEqual(answer["schema"], "mixnet.simulate/1")
            self.assertEqual(answer["graph"]["tasks"], 1032)
            self.assertEqual(answer["graph"]["ep"], 8)
            self.assertIsNone(answer["packets"])
            times[fabric] = answer["iteration_seconds"]
        self.assertEqual(min(times, key=times.get), "ideal")
        # Two dispatches wait for the switch.
        self.assertGreater(times["mixnet"], times["ideal"] + 0.025)
        own = simulate(DLRM, "--fabric", "topoopt", "--fidelity", "fluid")
        ideal = simulate(DLRM, "--fabric", "ideal", "--fidelity", "fluid")
        self.assertAlmostEqual(own["iteration_seconds"] / ideal["iteration_seconds"], 1, delta=0.02)

    def test_summary(self):
        result = run("simulate", "--task-graph", MOE, "--fabric", "mixnet", "--fidelity", "fluid")
        text = result.out.decode()
        for said in ("MixNet's era: 64 GPUs, 516 tasks", "ep 8", "degree 6", "ALLTOALL",
                     "1 reconfigurations", "routing measured"):
            self.assertIn(said, text)

    def test_same_bytes_again(self):
        words = ["simulate", "--task-graph", MOE, "--fabric", "fat-tree", "--fidelity", "fluid"]
        answers = [run(*words).out.decode().split("simulated in")[0] for _ in range(2)]
        self.assertEqual(answers[0], answers[1])

    def test_round_trip(self):
        for graph in (DLRM, TRANSFORMER, MOE, TWO_MICRO_BATCHES):
            once, twice = self.folder / "once.fbuf", self.folder / "twice.fbuf"
            for source, target in ((graph, once), (once, twice)):
                result = run("convert", source, "--to", "flexflow", "--output", target)
                self.assertEqual((result.status, result.out, result.err), (0, b"", b""))
            self.assertEqual(once.read_bytes(), twice.read_bytes())
        times = [simulate(path, "--fabric", "ideal", "--fidelity", "fluid")["iteration_seconds"]
                 for path in (TWO_MICRO_BATCHES, self.folder / "once.fbuf")]
        self.assertEqual(times[0], times[1])

    def test_dot(self):
        result = run("convert", MOE, "--to", "dot")
        text = result.out.decode()
        self.assertTrue(text.startswith("digraph tasks {\n") and text.endswith("}\n"))
        self.assertEqual(text.count(" -> "), 704)

    def test_damaged_files(self):
        good = MOE.read_bytes()
        damaged = self.folder / "damaged.fbuf"
        cases = [good[:size] for size in (0, 1, 7, 64, len(good) // 2, len(good) - 1)]
        for at in range(0, len(good), 1009):
            cases.append(good[:at] + bytes([good[at] ^ 0xff]) + good[at + 1:])
        refused = 0
        for case in cases:
            damaged.write_bytes(case)
            result = run("simulate", "--task-graph", damaged, "--fabric", "ideal", "--fidelity",
                         "fluid", timeout=60)
            self.assertIn(result.status, (0, 2), str(result))
            if result.status == 2:
                refused += 1
                self.assertEqual(result.out, b"")
                self.assertEqual(result.err.count(b"\n"), 1, str(result))
                self.assertTrue(result.err.startswith(b"mixnet: "), str(result))
        self.assertGreaterEqual(refused, 6)


if __name__ == "__main__":
    program.main()
