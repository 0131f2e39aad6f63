"""The commands of the program as functions of the Python package, and their results as tables."""

import importlib.util
import json
import os
import warnings

import program
from python_package import mixnet

CSV = "src,dst,bytes,start\n0,5,1000000,0us\n1,6,2000000,1us\n7,2,300000,0us\n"
WALL = ("wall_seconds", "packet_hops_per_second")  # what no two runs have the same


RUNS = """\
name,model,gpu,gpus,gpus_per_server,tp,ep,etp,pp,vpp,cp,micro_batch,global_batch,seq,precision,ep_overlap,fabric,nic_gbps,step_seconds
one,mixtral-8x7b,h100,64,8,2,8,1,4,2,1,1,256,4096,bf16,no,rail-optimized,400,3.5
"""


def timeless(value):
    if isinstance(value, dict):
        return {key: timeless(inner) for key, inner in value.items() if key not in WALL}
    return [timeless(inner) for inner in value] if isinstance(value, list) else value


class CommandTest(program.ProgramTest):

    def check(self, result, *words):
        """`result` is what `mixnet WORDS...` says, key by key in the same order."""
        said = program.answer(*words)
        self.assertEqual(json.dumps(timeless(result)), json.dumps(timeless(said)))

    def test_bytes(self):
        """Not only the same values: the same text."""
        words = ["--servers", "64", "--bandwidth", "400Gbps"]
        text, notes = mixnet._core.answer("cost", [os.fsencode(word) for word in words], None, False)
        self.assertEqual(text.encode(), program.run("cost", *words, "--json", "-").out)
        self.assertEqual(notes, [])

    def test_predict(self):
        self.check(mixnet.predict("dynamic", iterations=6, warm_up=3, seed=4),
                   "predict", "--routing", "dynamic", "--iterations", 6, "--warm-up", 3, "--seed", 4)

    def test_notes_are_warnings(self):
        trace = program.DATA.parent / "tests" / "data" / "routing_recording.csv"
        flags = {"tokens": 16, "iterations": 4, "warm_up": 1}
        said = program.run("predict", "--routing", f"trace:{trace}", "--tokens", 16, "--iterations", 4,
                           "--warm-up", 1, "--json", "-")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = mixnet.predict(f"trace:{trace}", **flags)
        self.assertEqual(timeless(result), json.loads(said.out))
        self.assertEqual([f"mixnet: note: {one.message}\n" for one in caught],
                         said.err.decode().splitlines(keepends=True))
        self.assertTrue(all(one.filename == __file__ for one in caught))

    def test_flows(self):
        path = self.file("flows.csv", CSV)
        result = mixnet.flows(fabric="fat-tree", hosts=16, flows=path, fct=self.folder / "fct.csv")
        self.check(result, "flows", "--fabric", "fat-tree", "--hosts", "16", "--flows", path)
        self.assertEqual(len((self.folder / "fct.csv").read_text().splitlines()), 4)

    def test_a_collective(self):
        self.check(mixnet.flows(collective="all_reduce", bytes="1MiB:4MiB", gpus=32),
                   "flows", "--collective", "all_reduce", "--bytes", "1MiB:4MiB", "--gpus", "32")

    def test_simulate_a_model(self):
        flags = {"model": "mixtral-8x7b", "gpus": 256, "fabric": "mixnet"}
        words = ["simulate", "--model", "mixtral-8x7b", "--gpus", "256", "--fabric", "mixnet"]
        timeline = self.folder / "timeline.json"
        self.check(mixnet.simulate(**flags, timeline=timeline, timeline_regions=1), *words)
        self.assertIn("traceEvents", json.loads(timeline.read_text()))

    def test_simulate_a_task_graph(self):
        graph = program.graph("100dlrm_16")
        self.check(mixnet.simulate(task_graph=graph, fabric="fat-tree", fidelity="fluid"),
                   "simulate", "--task-graph", graph, "--fabric", "fat-tree", "--fidelity", "fluid")

    def test_simulate_chakra_traces(self):
        prefix = self.folder / "traces"
        made = program.run("convert", "--model", "mixtral-8x7b", "--gpus", 32, "--tp", 4, "--pp", 1,
                           "--ep", 8, "--layers", 2, "--global-batch-size", 128, "--to", "chakra",
                           "--output", prefix)
        self.assertEqual(made.status, 0, str(made))
        self.check(mixnet.simulate(chakra=prefix, fabric="mixnet", fidelity="fluid", paths="spray"),
                   "simulate", "--chakra", prefix, "--fabric", "mixnet", "--fidelity", "fluid",
                   "--paths", "spray")

    def test_cost(self):
        self.check(mixnet.cost(servers=128, bandwidth=["100Gbps", "400Gbps"], paper=True),
                   "cost", "--servers", "128", "--bandwidth", "100Gbps,400Gbps", "--paper")

    def test_compute(self):
        path = self.file("t.csv", "model,operation,tokens,forward_ms\nmixtral-8x7b,gate,8192,0.1\n")
        result = mixnet.compute(path, gpu="h200")
        self.check(result, "compute", "--operations", path, "--gpu", "h200")
        self.assertGreater(mixnet.rows(result)[0]["predicted_forward_ms"], 0)

    def test_validate(self):
        self.check(mixnet.validate(program.PUBLISHED), "validate", "--published", program.PUBLISHED)
        runs = self.file("runs.csv", RUNS)
        result = mixnet.validate(training=runs)
        self.check(result, "validate", "--training", runs)
        self.assertEqual([row["name"] for row in mixnet.rows(result)], ["one"])

    def test_lists(self):
        config = program.DATA / "models" / "mixtral-8x7b.json"
        self.assertEqual(mixnet.models(), program.answer("models")["models"])
        self.assertEqual(mixnet.models("qwen-moe", config),
                         program.answer("models", "qwen-moe", config)["models"])
        self.assertEqual(mixnet.gpus(), program.answer("gpus")["gpus"])
        self.assertEqual(mixnet.fabrics(), program.answer("fabrics")["fabrics"])

    def test_mistakes_are_one_line(self):
        path = self.file("flows.csv", CSV)
        for call, said in [
            (lambda: mixnet.predict("dynamik"), "dynamik"),
            (lambda: mixnet.predict("dynamic", iteration=5), "did you mean '--iterations'"),
            (lambda: mixnet.predict(7.5), "7.5"),
            (lambda: mixnet.flows(), "--fabric"),
            (lambda: mixnet.flows(fabric="fat-tree", flows="no.csv"), "no.csv"),
            (lambda: mixnet.flows(fabric="fat-tree", flows=path, fct="-"), "--fct"),
            (lambda: mixnet.flows(fabric="fat-tree", host=16), "did you mean '--hosts'"),
            (lambda: mixnet.flows(json="x.json"), "--json: no such flag"),
            (lambda: mixnet.simulate(), "names nothing to simulate"),
            (lambda: mixnet.simulate(model="mixtral-8x7b"), "--fabric"),
            (lambda: mixnet.simulate(model="mixtral-8x7b", chakra="x"), "does not go with"),
            (lambda: mixnet.simulate(model="mixtral-8x7b", fabrik="mixnet"), "did you mean '--fabric'"),
            (lambda: mixnet.simulate(model="mixtral-8x7b", help=True), "--help: no such flag"),
            (lambda: mixnet.simulate(task_graph="no.fbuf", fabric="mixnet"), "no.fbuf"),
            (lambda: mixnet.cost(servers="many"), "--servers: 'many'"),
            (lambda: mixnet.cost(server=1), "did you mean '--servers'"),
            (lambda: mixnet.compute("no.csv"), "no.csv"),
            (lambda: mixnet.validate("no.csv"), "no.csv"),
            (lambda: mixnet.models("mixtral-8x7c"), "did you mean 'mixtral-8x7b'"),
            (lambda: mixnet.models(None), "names: None is no value"),
            (lambda: mixnet.models("--json"), "--json"),
            (lambda: mixnet.models(os.fsdecode(b"no\xff.json")), "no\\xff.json"),
            (lambda: mixnet.models("\ud800"), "names: '\\ud800' is no text"),
            (lambda: mixnet.models("a\0b"), "a"),
        ]:
            with self.assertRaises(mixnet.Error, msg=said) as caught:
                call()
            self.assertIn(said, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))
        self.assertFalse(os.path.exists("x.json"))


def sample_results(folder):
    flows = folder / "flows.csv"
    flows.write_text(CSV)
    return {
        "compare": mixnet.compare("mixtral-8x7b", gpus=256, fidelity="auto", fail="nic:0.1",
                                  fabric=["fat-tree", "nvl72", "mixnet-optical-io"], gpus_per_server=64,
                                  packet_budget="1M"),
        "sweep": mixnet.sweep({"model": "mixtral-8x7b", "gpus": [256, 300], "fabric": "mixnet"}),
        "flows": [mixnet.flows(fabric="fat-tree", hosts=16, flows=flows, fidelity=fidelity)
                  for fidelity in ("packet", "fluid")],
        "collective": mixnet.flows(collective="all_gather", bytes="1MB", gpus=16),
        "predict": mixnet.predict("dynamic", iterations=4, warm_up=2),
        "cost": mixnet.cost(servers=64),
        "models": mixnet.models(),
        "gpus": mixnet.gpus(),
        "fabrics": mixnet.fabrics(),
    }


class RowsTest(program.ProgramTest):

    def test_rows_are_flat_and_alike(self):
        for name, result in sample_results(self.folder).items():
            table = mixnet.rows(result)
            self.assertGreater(len(table), 0, name)
            for row in table:
                self.assertEqual(list(row), list(table[0]), name)
                for key, value in row.items():
                    self.assertIsInstance(value, (type(None), bool, int, float, str), f"{name}: {key}")
            if importlib.util.find_spec("pandas") is not None:
                import pandas
                frame = pandas.DataFrame(table)
                self.assertEqual(frame.shape, (len(table), len(table[0])))

    def test_what_a_row_is(self):
        compared = mixnet.compare("mixtral-8x7b", gpus=256, fabric=["fat-tree", "mixnet"])
        table = mixnet.rows(compared)
        for row, run in zip(table, compared["runs"]):
            self.assertEqual((row["fabric"], row["iteration_seconds"], row["exposed_seconds.ep"],
                              row["plan.tp"]),
                             (run["fabric"], run["iteration_seconds"], run["exposed_seconds"]["ep"],
                              compared["plan"]["tp"]))
        points = mixnet.rows(mixnet.sweep({"model": "mixtral-8x7b", "gpus": [256, 300],
                                           "fabric": ["fat-tree", "mixnet"]}))
        self.assertEqual([(row["axes.fabric"], row["axes.gpus"], row["status"]) for row in points],
                         [("fat-tree", "256", "ok"), ("mixnet", "256", "ok"),
                          ("fat-tree", "300", "failed"), ("mixnet", "300", "failed")])
        self.assertEqual(points[0]["iteration_seconds"], table[0]["iteration_seconds"])
        self.assertIsNone(points[-1]["iteration_seconds"])
        self.assertIn("parallel plan", points[-1]["error"])

    def test_lists_by_name(self):
        played = mixnet.flows(fabric="fat-tree", hosts=16, flows=self.file("flows.csv", CSV))
        whole, = mixnet.rows(played)
        self.assertEqual((whole["flows"], whole["fct_us.max"]), (3, played["fct_us"]["max"]))
        tiers = mixnet.rows(played, of="tiers")
        self.assertEqual([row["name"] for row in tiers], [tier["name"] for tier in played["tiers"]])
        self.assertEqual(tiers[0]["makespan_us"], played["makespan_us"])

    def test_mistakes(self):
        for call, said in [
            (lambda: mixnet.rows(7), "results: 7 is no result"),
            (lambda: mixnet.rows([1]), "results: [1] is no result"),
            (lambda: mixnet.rows("runs"), "results: 'runs' is no result"),
            (lambda: mixnet.rows(mixnet.cost(), 3), "of: 3 is no name"),
            (lambda: mixnet.rows(mixnet.cost(), "tiers"), "no list 'tiers' in the results; give one of rows"),
        ]:
            with self.assertRaises(mixnet.Error, msg=said) as caught:
                call()
            self.assertIn(said, str(caught.exception))
        self.assertEqual(mixnet.rows([]), [])


if __name__ == "__main__":
    program.main()
