"""The Python package: the same answers as the program, NumPy in and out, errors in one line."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import unittest

import program
from python_package import ENVIRONMENT, mixnet

import numpy as np

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
STUDY = {
    "model": "mixtral-8x7b",
    "gpus": 256,
    "fabric": ["fat-tree", "mixnet"],
    "bandwidth": ("100Gbps", "400Gbps"),
    "reconfiguration_delay": ["1ms", "25ms"],
}


def wired(counts):
    """Circuits of each server."""
    return counts.sum(axis=1)


class CompareTest(program.ProgramTest):

    def test_the_same_document_as_the_program(self):
        said = program.answer("compare", "--model", "mixtral-8x7b", "--gpus", "256", "--fabric",
                              "fat-tree,mixnet", "--bandwidth", "100Gbps,400Gbps", "--fail", "nic:0.1",
                              "--fail", "gpu:9", "--free-acks", "--fidelity", "fluid")
        result = mixnet.compare("mixtral-8x7b", gpus=256, fabric=["fat-tree", "mixnet"],
                                bandwidth=("100Gbps", "400Gbps"), fail=["nic:0.1", "gpu:9"],
                                free_acks=True, fidelity="fluid", sequence_parallel=None)
        self.assertEqual(result, said)

    def test_a_model_of_ones_own(self):
        config = program.DATA / "models" / "mixtral-8x7b.json"
        flags = {"gpus": 256, "fabric": "mixnet"}
        self.assertEqual(mixnet.compare(config, **flags)["runs"][0]["iteration_seconds"],
                         mixnet.compare("mixtral-8x7b", **flags)["runs"][0]["iteration_seconds"])

    def test_mistakes_are_one_line(self):
        for flags, said in [
            ({"model": "mixtral-8x7c"}, "did you mean 'mixtral-8x7b'"),
            ({"model": "mixtral-8x7b", "bandwith": "400Gbps"}, "--bandwith: no such flag"),
            ({"model": "mixtral-8x7b", "bandwidth": "400"}, "no unit"),
            ({"model": "mixtral-8x7b", "bandwidth": []}, "--bandwidth: is an empty list"),
            ({"model": "mixtral-8x7b", "json": "x.json"}, "--json: no such flag"),
            ({"model": "mixtral-8x7b", "gpus": 129}, "parallel plan: "),
            ({"model": "a\nb"}, "model 'a"),
            ({"model": object()}, "--model: <object object"),
            ({"model": b"mixtral-8x7b"}, "--model: b'mixtral-8x7b' is no value"),
            ({"model": None}, "--model"),
            ({"model": "mixtral-8x7b", "gpus": {"a": 1}}, "--gpus: {'a': 1} is no value"),
            ({"model": "mixtral-8x7b", "fabric": ["mixnet", None]}, "--fabric: None is no value"),
            ({"model": "mixtral-8x7b", "gpus": True}, "--gpus"),
            ({"model": "mixtral-8x7b", "help": True}, "--help: no such flag"),
            ({"model": "mixtral-8x7b", "\ud800": 1}, "flags: '--\\ud800' is no text"),
            ({"model": "mixtral-8x7b", "progress": "yes"}, "progress: 'yes' is no way"),
        ]:
            with self.assertRaises(mixnet.Error, msg=str(flags)) as caught:
                mixnet.compare(**flags)
            self.assertIn(said, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))
        self.assertTrue(issubclass(mixnet.Error, ValueError))


class PlanTest(program.ProgramTest):

    def test_the_same_circuits_as_the_program(self):
        rng = np.random.default_rng(1)
        demand = rng.lognormal(18, 1, (12, 12)).astype(np.int64)
        path = self.folder / "demand.csv"
        np.savetxt(path, demand, delimiter=",", fmt="%d")
        for allocator in ("greedy", "refined"):
            said = program.answer("plan", "--demand", path, "--degree", "4", "--eps-nics", "1",
                                  "--bandwidth", "100Gbps", "--allocator", allocator)
            plan = mixnet.plan(demand, 4, eps_nics=1, bandwidth="100Gbps", allocator=allocator)
            circuits = [[c["server_a"], c["nic_a"], c["server_b"], c["nic_b"]]
                        for c in said["circuits"]]
            self.assertEqual(plan["circuits"].tolist(), circuits)
            self.assertAlmostEqual(plan["balanced_seconds"] * 1e12, said["time_ps"]["balanced"], -1)
            self.assertAlmostEqual(plan["all_to_all_seconds"] * 1e12, said["time_ps"]["all_to_all"],
                                   -1)

    def test_circuits_add_up(self):
        demand = np.random.default_rng(2).lognormal(18, 2, (40, 40)).astype(np.int64)
        plan = mixnet.plan(demand, degree=6)
        counts, circuits = plan["counts"], plan["circuits"]
        self.assertEqual((counts.dtype, counts.shape), (np.int32, (40, 40)))
        self.assertTrue((counts == counts.T).all() and (np.diag(counts) == 0).all())
        self.assertTrue((wired(counts) <= 6).all())
        self.assertEqual(counts.sum(), 2 * len(circuits))
        ends = np.concatenate([circuits[:, :2], circuits[:, 2:]])
        self.assertEqual(len(np.unique(ends, axis=0)), len(ends), "a NIC carries two circuits")

    def test_any_numbers(self):
        demand = [[0, 10, 0], [5, 0, 0], [0, 0, 0]]
        first = mixnet.plan(demand, 2)
        for other in (np.array(demand, np.float32), np.array(demand, np.uint8).T.copy().T,
                      np.asfortranarray(demand)):
            np.testing.assert_array_equal(mixnet.plan(other, 2)["counts"], first["counts"])
        self.assertEqual(first["counts"][0, 1], 2)
        # Nobody sends: no circuit. Without EPS, a pair without a circuit waits for ever.
        self.assertEqual(mixnet.plan(np.zeros((4, 4)))["circuits"].shape, (0, 4))
        self.assertIsNone(mixnet.plan(np.ones((4, 4)), 1, eps_nics=0)["all_to_all_seconds"])

    def test_mistakes_are_one_line(self):
        ones = np.ones((4, 4))
        for call, said in [
            (lambda: mixnet.plan([[1, 2], [3]]), "demand: is no array"),
            (lambda: mixnet.plan(np.ones((3, 4))), "demand: has the shape (3, 4)"),
            (lambda: mixnet.plan(np.ones((0, 0))), "demand: has the shape (0, 0)"),
            (lambda: mixnet.plan(np.ones((4097, 4097), np.int8)), "at most 4096"),
            (lambda: mixnet.plan([["a"]]), "demand: holds <U1"),
            (lambda: mixnet.plan(-ones), "demand[0, 0]: -1.0"),
            (lambda: mixnet.plan(ones * np.nan), "demand[0, 0]: nan"),
            (lambda: mixnet.plan(ones / 2), "demand[0, 0]: 0.5"),
            (lambda: mixnet.plan(ones * 2**53), "over 2^53"),
            (lambda: mixnet.plan(ones, 0), "--degree: 0"),
            (lambda: mixnet.plan(ones, 6, numa=[0, 1]), "--numa: names 2"),
            (lambda: mixnet.plan(ones, allocator="gredy"), "did you mean 'greedy'"),
            (lambda: mixnet.plan(ones, bandwidth="fast"), "bandwidth"),
            (lambda: mixnet.plan(ones, "6"), "degree: '6' is no whole number"),
            (lambda: mixnet.plan(ones, 6.5), "degree: 6.5 is no whole number"),
            (lambda: mixnet.plan(ones, True), "degree: True is no whole number"),
            (lambda: mixnet.plan(ones, numa=7), "numa: 7 is no list"),
            (lambda: mixnet.plan(ones, numa=["a"]), "numa: 'a' is no whole number"),
            (lambda: mixnet.plan(ones, bandwidth=None), "bandwidth: None is no value"),
            (lambda: mixnet.plan(ones, allocator=["greedy"]), "allocator: ['greedy'] is no value"),
            (lambda: mixnet.plan(ones, budget=-1), "budget: -1 is out of range"),
            (lambda: mixnet.plan(object()), "demand: "),
            (lambda: mixnet.plan(None), "demand: "),
        ]:
            with self.assertRaises(mixnet.Error, msg=said) as caught:
                call()
            self.assertIn(said, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))


class SweepTest(program.ProgramTest):

    def test_the_same_rows_as_the_program(self):
        rows = mixnet.sweep(STUDY, threads=2)
        study = self.file("study.yaml", json.dumps({**{k.replace("_", "-"): v
                                                      for k, v in STUDY.items()}}))
        result = program.run("sweep", study, "--out", self.folder / "out")
        self.assertEqual(result.status, 0, str(result))
        lines = (self.folder / "out" / "results.jsonl").read_text().splitlines()
        self.assertEqual(rows, [json.loads(line) for line in lines])
        self.assertEqual(len(rows), 8)
        self.assertEqual(mixnet.sweep(study), rows)

    def test_values_of_numpy_and_failed_points(self):
        rows = mixnet.sweep({"model": "mixtral-8x7b", "fabric": "mixnet",
                             "gpus": np.array([256, 300]), "fail": [None]})
        self.assertEqual([row["status"] for row in rows], ["ok", "failed"])
        self.assertIn("parallel plan", rows[1]["error"])

    def test_a_folder_is_gone_on_with(self):
        out = self.folder / "out"
        rows = mixnet.sweep(STUDY, out)
        self.assertEqual(mixnet.sweep(STUDY, str(out)), rows)
        with self.assertRaisesRegex(mixnet.Error, "another"):
            mixnet.sweep({**STUDY, "gpus": 512}, out)

    def test_mistakes_are_one_line(self):
        for study, said in [
            ({"model": "mixtral-8x7b", "bandwidth": ["400"]}, "no unit"),
            ({"model": "mixtral-8x7b", "colour": "red"}, "colour"),
            ({"fabric": "mixnet"}, "sets no 'model'"),
            ({"model": object()}, "no value of a flag"),
            ("no/such.yaml", "no/such.yaml: cannot be read"),
        ]:
            with self.assertRaises(mixnet.Error, msg=said) as caught:
                mixnet.sweep(study)
            self.assertIn(said, str(caught.exception))
        endless = []
        endless.append(endless)
        for study, options, said in [
            (STUDY, {"threads": 0}, "threads: 0 is out of range"),
            (STUDY, {"threads": "2"}, "threads: '2' is no whole number"),
            (STUDY, {"out": 7}, "out: 7 is no path"),
            (STUDY, {"retry_failed": "yes"}, "retry_failed: 'yes' is no choice"),
            (7, {}, "study: 7 is no path"),
            ("a\nb", {}, r"^'a\\nb': cannot be read"),
            ("a\0b", {}, "cannot be read"),
            ({"model": endless}, {}, "study: is no mapping of flags"),
            ({"model": {("a", 1): 2}}, {}, "study: is no mapping of flags"),
        ]:
            with self.assertRaisesRegex(mixnet.Error, said):
                mixnet.sweep(study, **options)


class InstallTest(program.ProgramTest):

    def test_what_a_wheel_holds(self):
        """The package as CMake installs it, for pip too: it brings the data files along."""
        built = pathlib.Path(os.environ["MIXNET_PYTHON"])
        done = subprocess.run([os.environ["MIXNET_CMAKE"], "--install", built.parent, "--component",
                               "python", "--prefix", self.folder], capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        package, = self.folder.rglob("mixnet")
        self.assertEqual({path.relative_to(package / "data") for path in package.rglob("data/**/*")},
                         {path.relative_to(program.DATA) for path in program.DATA.rglob("*")})
        self.assertEqual({path.name for path in package.glob("*") if path.is_file()},
                         {path.name for path in (built / "mixnet").iterdir() if path.is_file()})
        # Its own data, not the tree's: a model that only this one has.
        models = package / "data" / "models"
        (models / "mixtral-8x7b.json").rename(models / "own-model.json")
        code = ("import mixnet; print(mixnet.__version__);"
                "mixnet.compare('own-model', gpus=256, fabric='mixnet')")
        done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True,
                              check=False, env={**os.environ, "PYTHONPATH": str(package.parent.resolve())})
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout.strip(), mixnet.__version__)


class ExampleTest(program.ProgramTest):

    @unittest.skipIf(importlib.util.find_spec("matplotlib") is None, "no python3-matplotlib")
    def test_the_example_draws(self):
        picture = self.folder / "fabrics.png"
        subprocess.run([sys.executable, EXAMPLES / "compare_fabrics.py", picture], check=True,
                       timeout=120, env=ENVIRONMENT)
        self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertGreater(picture.stat().st_size, 20_000)


if __name__ == "__main__":
    program.main()
