"""Timelines through the program: `mixnet simulate --timeline` and `mixnet convert --to chrome`."""

import json
import pathlib

import program
from program import ProgramTest, answer, run

MOE = program.graph("moe64_1L_16MB")
MODEL = ["--model", "mixtral-8x7b", "--gpus", "1024", "--bandwidth", "400Gbps"]


class Trace:
    """A trace as ui.perfetto.dev reads it; refuses what breaks the format's rules."""

    def __init__(self, text):
        document = json.loads(text)
        self.title = document["otherData"]["title"]
        self.processes, self.threads = {}, {}
        self.slices, self.counters = [], {}
        open_until = {}
        for event in document["traceEvents"]:
            if event["ph"] == "M":
                names = self.processes if event["name"].startswith("process") else self.threads
                if event["name"].endswith("_name"):
                    names[event["pid"], event["tid"]] = event["args"]["name"]
                continue
            start = round(event["ts"] * 1000)
            assert (event["pid"], 0) in self.processes, event
            if event["ph"] == "C":
                self.counters.setdefault(event["name"], []).append(event["args"]["value"])
                continue
            assert event["ph"] == "X", event
            thread = event["pid"], event["tid"]
            end = start + round(event["dur"] * 1000)
            around = open_until.setdefault(thread, [])
            while around and around[-1] <= start:
                around.pop()
            assert end > start and (not around or end <= around[-1]), event
            around.append(end)
            self.slices.append((self.processes[event["pid"], 0], self.threads[thread],
                                event["name"], start, end))

    def end(self):
        return max(slice[-1] for slice in self.slices)

    def total(self, name):
        """Nanoseconds of all slices of the name."""
        return sum(end - start for _, _, named, start, end in self.slices if named == name)


def trace_of(*words):
    result = run(*words)
    assert result.status == 0 and not result.err, str(result)
    return Trace(result.out)


class TimelineTest(ProgramTest):
    def test_an_iteration_of_a_model(self):
        words = ["simulate", *MODEL, "--fabric", "mixnet", "--paper"]
        path = self.file("timeline.json", "")
        result = run(*words, "--timeline", path)
        self.assertEqual(result.status, 0, str(result))
        self.assertIn(b"timeline of 32 of 32 regions", result.out)
        text = path.read_text()
        self.assertLess(len(text), 100e6)
        trace = Trace(text)
        self.assertEqual(trace.title, "Mixtral 8x7B on mixnet, 400 Gb/s a NIC")
        self.assertEqual(len(trace.processes), 1 + 32)
        self.assertEqual({track for _, track, *_ in trace.slices},
                         {"work", "compute", "scale-up", "all-to-all", "switch", "sends",
                          "gradients"})
        compared = answer("compare", *MODEL, "--fabric", "mixnet", "--paper")["runs"][0]
        self.assertAlmostEqual(trace.end() / 1e9, compared["iteration_seconds"], places=8)
        parts = compared["exposed_seconds"]
        self.assertAlmostEqual(trace.total("wait for switch") / 32e9, parts["reconfiguration"],
                               places=6)
        self.assertAlmostEqual(trace.total("TP") / 32e9, parts["tp"], places=6)
        self.assertEqual(answer(*words)["runs"][0]["iteration_seconds"],
                         compared["iteration_seconds"])
        self.assertEqual(trace_of(*words, "--timeline", "-").slices, trace.slices)

    def test_policies_differ_in_when_the_switch_is_dark(self):
        words = ["simulate", "--model", "mixtral-8x22b", "--fabric", "mixnet",
                 "--timeline-regions", "8", "--timeline", "-", "--reconfiguration"]
        dark = {policy: trace_of(*words, policy).total("dark")
                for policy in ("block", "copilot", "hidden")}
        self.assertGreater(dark["block"], dark["copilot"])
        self.assertGreater(dark["copilot"], 0)
        self.assertEqual(dark["hidden"], 0)

    def test_a_large_job_is_drawn_in_part(self):
        path = self.file("timeline.json", "")
        result = run("simulate", "--model", "olmoe-1b-7b", "--gpus", "4096", "--fabric", "fat-tree",
                     "--routing", "uniform", "--global-batch-size", "262144", "--micro-batch-size",
                     "4", "--timeline", path)
        self.assertEqual(result.status, 0, str(result))
        self.assertIn(b" of 256 regions", result.out)
        self.assertNotIn(b"256 of 256", result.out)
        self.assertIn(b"--timeline-regions says how many", result.out)
        self.assertLess(path.stat().st_size, 100e6)

    def test_how_much_is_drawn_is_of_the_micro_batch_that_fits(self):
        path = self.file("timeline.json", "")
        result = run("simulate", "--model", "deepseek-v3", "--fabric", "fat-tree", "--routing", "uniform",
                     "--seq-length", "16384", "--global-batch-size", "32768", "--timeline", path)
        self.assertEqual(result.status, 0, str(result))
        self.assertIn(b"micro-batch of 8 would not fit", result.out)
        self.assertLess(path.stat().st_size, 100e6)

    def test_a_task_graph(self):
        words = ["simulate", "--task-graph", MOE, "--fabric", "mixnet"]
        trace = trace_of(*words, "--timeline", "-")
        self.assertEqual(trace.end(), int(answer(*words)["iteration_seconds"] * 1e9))
        self.assertEqual(trace.total("dark"), 25_000_000)
        self.assertEqual(len(trace.processes), 1 + 8)
        tracks = {(node, track) for node, track, *_ in trace.slices}
        self.assertIn(("node 0", "switch"), tracks)
        self.assertIn(("node 7", "GPU 500063"), tracks)
        ideal = trace_of("convert", MOE, "--to", "chrome")
        self.assertEqual(ideal.end(), trace_of("simulate", "--task-graph", MOE, "--fabric", "ideal",
                                               "--fidelity", "fluid", "--timeline", "-").end())
        self.assertLess(ideal.end(), trace.end())

    def test_bad_flags(self):
        words = ["simulate", *MODEL, "--fabric", "mixnet"]
        for more, said in [
                (["--task-graph", "g.fbuf"], "--task-graph: does not go with --model"),
                (["--timeline-regions", "3"], "--timeline-regions: goes with --timeline"),
                (["--timeline", "t.json", "--timeline-regions", "0"], "0 is too few"),
                (["--timeline", "t.json", "--timeline-nodes", "1"], "no such flag"),
                (["--timeline", "none/t.json"], "none/t.json: cannot be written"),
                (["--timeline", "-", "--json", "-"], "cannot both go to standard output"),
                (["--timeline", ""], "--timeline: is empty"),
                (["--timeline"], "--timeline"),
                (["--hosts", "3"], "--hosts: no such flag")]:
            self.refuse([*words, *more], said)
        self.refuse(["simulate", *MODEL], "--fabric: is required")
        self.refuse([*words[:-1], "mixnet,fat-tree"], "--fabric: names 2 fabrics")
        self.refuse([*words, "--bandwidth", "100Gbps,200Gbps"], "--bandwidth")
        self.assertFalse(pathlib.Path("t.json").exists())

    def refuse(self, words, said):
        with self.subTest(" ".join(words)):
            result = run(*words, timeout=20)
            self.assertEqual(result.status, 2, str(result))
            self.assertEqual(result.out, b"")
            self.assertEqual(result.err.count(b"\n"), 1)
            self.assertIn(said, result.err.decode())


if __name__ == "__main__":
    program.main()
