"""Calls of the Python package that last: how far they are, and Ctrl-C."""

import contextlib
import io
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import types
from unittest import mock

import program
from python_package import ENVIRONMENT, mixnet

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
TICK = os.sysconf("SC_CLK_TCK")

# Each takes seconds to weeks, on one thread.
LONG = {
    "compare": "mixnet.compare('mixtral-8x22b', gpus=1024, fabric='fat-tree', fidelity='packet')",
    "compare fluid": "mixnet.compare('deepseek-r1', gpus=16384, pp=16, ep=64, fabric='topoopt', micro_batch_size=4, "
                     "global_batch_size=65536)",
    "plan": "mixnet.plan(np.tile(demand // 64, (4, 4)), 6, budget=10**12)",
    "plan exact": "mixnet.plan(level, 12, allocator='exact')",
    "flows": "mixnet.flows(fabric='fat-tree', hosts=16, flows='one.csv')",
    "flows fluid": "mixnet.flows(fabric='fat-tree', hosts=1024, alltoallv='matrix.txt', "
                   "fidelity='fluid')",
    "collective": "mixnet.flows(collective='all_to_all', gpus=512, bytes='64GB', fidelity='packet')",
    "simulate": "mixnet.simulate(model='mixtral-8x22b', gpus=1024, fabric='mixnet', "
                "fidelity='packet')",
    "simulate graph": f"mixnet.simulate(task_graph={str(program.graph('moe64_1L_16MB'))!r}, "
                      "fabric='fat-tree', bandwidth='1Mbps', mtu=256)",
    "predict": "mixnet.predict('dynamic', model='deepseek-r1', iterations=1000000)",
    "validate": "mixnet.validate('published.csv')",
    "sweep": "mixnet.sweep({'model': 'mixtral-8x22b', 'fabric': 'fat-tree', 'fidelity': 'packet'})",
}
SCRIPT = """
import numpy as np
import mixnet
demand = np.random.default_rng(1).lognormal(18, 2, (1024, 1024)).astype(np.int64)
level = np.random.default_rng(1).lognormal(18, 0.3, (64, 64)).astype(np.int64)
print("go", flush=True)
try:
    {call}
    print("ended", flush=True)
except KeyboardInterrupt:
    print("stopped", flush=True)
assert len(mixnet.cost(servers=64, bandwidth="400Gbps")["rows"]) > 3
assert mixnet.plan(demand[:8, :8], 2)["counts"].sum() > 0
assert mixnet.compare("mixtral-8x7b", gpus=256, fabric="mixnet")["runs"]
print("works", flush=True)
"""


def cpu_seconds(process):
    """Not elapsed time: other tests may have the cores."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class InterruptTest(program.ProgramTest):

    def setUp(self):
        super().setUp()
        self.file("one.csv", "src,dst,bytes,start\n0,9,1000000000000,0us\n")
        row = " ".join(str(1000 + 7 * column) for column in range(1024))
        self.file("matrix.txt", "\n".join([row] * 1024) + "\n")
        header, *lines = [line for line in program.PUBLISHED.read_text().splitlines()
                          if not line.startswith("#")]
        cells = [line.split(",") for line in lines]
        self.file("published.csv", "\n".join(
            [header] + [",".join([row[0], str(float(row[1]) + i)] + row[2:])
                        for i in range(200) for row in cells]) + "\n")

    def interrupt(self, call, after, threads="1"):
        """CPU seconds from Ctrl-C to KeyboardInterrupt; 0 when the call had ended before."""
        with subprocess.Popen(
                [sys.executable, "-c", SCRIPT.format(call=call)], stdout=subprocess.PIPE, text=True,
                cwd=self.folder, env={**ENVIRONMENT, "MIXNET_THREADS": threads}) as child:
            self.assertEqual(child.stdout.readline(), "go\n")
            start = cpu_seconds(child)
            limit = time.monotonic() + 60
            while child.poll() is None and cpu_seconds(child) < start + after and \
                    time.monotonic() < limit:
                time.sleep(0.01)
            child.send_signal(signal.SIGINT)
            before = cpu_seconds(child)
            said = child.stdout.readline()
            used = cpu_seconds(child) - before
            self.assertEqual(child.stdout.readline(), "works\n")
        self.assertEqual(child.returncode, 0)
        self.assertEqual(said, "stopped\n", call)
        return used

    def test_every_call_stops(self):
        for name, call in LONG.items():
            with self.subTest(name):
                self.assertLess(self.interrupt(call, 0.7), 2 * program.SLOWDOWN)

    def test_several_threads_stop(self):
        for name in ("compare", "sweep"):
            with self.subTest(name):
                self.assertLess(self.interrupt(LONG[name], 0.7, threads="3"), 4 * program.SLOWDOWN)

    def test_a_sweep_keeps_what_is_finished(self):
        out = self.folder / "out"
        study = "{'model': 'mixtral-8x7b', 'fabric': 'mixnet', 'seed': list(range(1, 500)), 'gpus': 128}"
        self.interrupt(f"mixnet.sweep({study}, 'out')", 2.5)
        rows = (out / "results.jsonl").read_text().splitlines()
        self.assertGreater(len(rows), 0)
        self.assertFalse((out / "results.csv").exists())
        self.assertNotIn("internal error", "".join(rows))

    def test_an_interrupt_leaves_other_threads_alone(self):
        script = """
import threading, signal, mixnet, os
results = []
other = threading.Thread(target=lambda: results.append(
    mixnet.predict("dynamic", iterations=300)["iterations"]))
other.start()
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    mixnet.predict("dynamic", iterations=1000000)
except KeyboardInterrupt:
    print("stopped")
other.join()
print(results)
"""
        done = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True,
                              text=True, timeout=120, check=False)
        self.assertEqual((done.stdout, done.stderr), ("stopped\n[300]\n", ""))

    def test_the_program_ends_by_the_signal(self):
        child = subprocess.Popen([program.PROGRAM, "predict", "--routing", "dynamic", "--iterations",
                                  "1000000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while cpu_seconds(child) < 0.2:
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(timeout=60), -signal.SIGINT)


class Told:
    """A function for `progress`, that remembers."""

    def __init__(self):
        self.steps = []
        self.threads = set()

    def __call__(self, what, done, total):
        self.steps.append((what, done, total))
        self.threads.add(threading.get_ident())


def quick_display(quiet=0.0):
    """Bars without the two seconds of quiet, or with more of them."""
    return mock.patch("mixnet._progress._QUIET_SECONDS", quiet)


def notebook():
    """As if this were a notebook's kernel."""
    ipython = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=object()))
    return mock.patch.dict(sys.modules, {"IPython": ipython})


def predict(progress):
    return mixnet.predict("dynamic", iterations=30, warm_up=10, progress=progress)


class ProgressTest(program.ProgramTest):

    def test_a_function_is_told(self):
        told = Told()
        start = time.monotonic()
        predict(told)
        lasted = time.monotonic() - start
        done = [step[1] for step in told.steps]
        self.assertEqual(told.steps[-1], ("predict", 30, 30))
        self.assertEqual(done, sorted(set(done)))
        self.assertLess(len(done), lasted * 10 + 3, "at most ten times a second")
        self.assertEqual(told.threads, {threading.get_ident()}, "on the caller's thread")

    def test_a_sweep_tells_of_its_points(self):
        told = Told()
        mixnet.sweep({"model": "mixtral-8x7b", "gpus": 256, "fabric": "mixnet", "seed": [1, 2, 3, 4]},
                     progress=told)
        self.assertEqual(told.steps[-1], ("sweep", 4, 4))
        self.assertEqual({step[0] for step in told.steps}, {"sweep"})

    def test_what_a_function_raises_ends_the_call(self):
        class Enough(Exception):
            pass

        def tell(what, done, total):
            raise Enough(what)
        start = time.monotonic()
        with self.assertRaisesRegex(Enough, "predict"):
            mixnet.predict("dynamic", iterations=1000000, progress=tell)
        self.assertLess(time.monotonic() - start, 60)
        self.assertEqual(predict(False)["iterations"], 30)

    def test_a_notebook_without_tqdm_gets_a_line(self):
        with notebook(), quick_display(), mock.patch.dict(sys.modules, {"tqdm.auto": None}):
            line = io.StringIO()
            with contextlib.redirect_stderr(line):
                predict(None)
        self.assertRegex(line.getvalue(), r"\A(\rpredict: +\d+ % *)+\r +\r\Z")

    def test_a_notebook_with_tqdm_gets_its_bar(self):
        bars = []

        class Bar:
            def __init__(self, desc, initial, total, leave):
                self.n, self.said, self.is_closed = initial, (desc, total, leave), False
                bars.append(self)

            def refresh(self):
                pass

            def close(self):
                self.is_closed = True
        with notebook(), quick_display(), \
                mock.patch.dict(sys.modules, {"tqdm.auto": types.SimpleNamespace(tqdm=Bar)}):
            predict(None)
        self.assertEqual([(bar.said, bar.n, bar.is_closed) for bar in bars],
                         [(("predict", 30, False), 30, True)])

    def test_elsewhere_only_what_is_asked_for(self):
        for progress, shows in [(None, False), (False, False), (True, True)]:
            line = io.StringIO()
            with quick_display(), mock.patch.dict(sys.modules, {"tqdm.auto": None}), \
                    mock.patch("mixnet._progress._is_terminal", lambda: False), \
                    contextlib.redirect_stderr(line):
                predict(progress)
            self.assertEqual(line.getvalue() != "", shows, progress)
        with notebook(), quick_display(), contextlib.redirect_stderr(line := io.StringIO()):
            predict(False)
        self.assertEqual(line.getvalue(), "")

    def test_short_calls_show_nothing(self):
        line = io.StringIO()
        with notebook(), quick_display(1000.0), contextlib.redirect_stderr(line):
            predict(True)
        self.assertEqual(line.getvalue(), "")


class NotebookTest(program.ProgramTest):

    def test_the_example_runs_cell_by_cell(self):
        path = EXAMPLES / "notebook.py"
        text = path.read_text(encoding="utf-8")
        cells = text.split("\n# %%")
        self.assertGreater(len(cells), 5)
        scope = {"__name__": "__main__"}
        printed = io.StringIO()
        here = os.getcwd()
        os.chdir(self.folder)
        try:
            for number, cell in enumerate(cells):
                # Lines as in the file, so that a failure says where.
                before = "\n".join(cells[:number]).count("\n") + (1 if number else 0)
                code = compile("\n" * before + "#" + cell if number else cell, str(path), "exec")
                with contextlib.redirect_stdout(printed):
                    exec(code, scope)
        finally:
            os.chdir(here)
        self.assertIn("fat-tree", printed.getvalue())
        self.assertIn("iteration_seconds", printed.getvalue())


if __name__ == "__main__":
    program.main()
