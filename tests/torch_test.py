"""Traces as an installed PyTorch writes them: what the script sent is what is executed, to the byte.

Needs a Python with PyTorch: $MIXNET_TORCH_PYTHON, or this one. traces_test.py has small traces of the
same forms, made by hand, for those who have none.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

import torch_job
from program import SLOWDOWN, answer, run

PYTHON = os.environ.get("MIXNET_TORCH_PYTHON", sys.executable)
FLUID = ["--fabric", "fat-tree", "--fidelity", "fluid"]
N = torch_job.RANKS

# By call: the kind of task, and the bytes that all ranks send, as a ring or to each other.
SENT = {
    "all_reduce": ("ALLREDUCE", 2 * (N - 1) * 4 * 1000),
    "all_gather": ("ALLGATHER", N * (N - 1) * 4 * 300),
    "all_gather_into_tensor": ("ALLGATHER", N * (N - 1) * 4 * 64),
    "reduce_scatter": ("REDUCESCATTER", (N - 1) * N * 4 * 52),
    "reduce_scatter_tensor": ("REDUCESCATTER", (N - 1) * N * 4 * 72),
    "all_to_all_single": ("ALLTOALL", sum(4 * torch_job.ROW * torch_job.rows(s, d)
                                          for s in range(N) for d in range(N) if s != d)),
    "all_to_all_even": ("ALLTOALL", N * (N - 1) * 4 * 40),
    "broadcast": ("ALLGATHER", (N - 1) * 2 * 500),
    "reduce": ("REDUCESCATTER", (N - 1) * 8 * 224),
    "message": ("P2P", 4 * (123 + 77)),
    "gather": ("P2P", (N - 1) * 4 * 11),
    "overlapped": ("ALLREDUCE", 2 * (N - 1) * 4 * 88),
    "training": ("ALLREDUCE", 2 * (N - 1) * 4 * (torch_job.WIDTH ** 2 + torch_job.WIDTH)),
    "barrier": ("ALLREDUCE", 0),
}


def torch_version():
    try:
        done = subprocess.run([PYTHON, "-c", "import torch; print(torch.__version__)"],
                              capture_output=True, timeout=120, check=False)
    except OSError:
        return None
    return done.stdout.decode().strip() if done.returncode == 0 else None


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class TorchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(dir="."))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        done = subprocess.run([PYTHON, torch_job.__file__, str(cls.folder), str(free_port())],
                              capture_output=True, timeout=240 * SLOWDOWN, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stderr.decode()[-2000:])

    def sent(self, *paths):
        """Bytes by kind of task, without kinds that take no part."""
        kinds = answer("simulate", "--trace", *paths, *FLUID)["graph"]["kinds"]
        return {one["kind"]: one["bytes"] for one in kinds if one["bytes"] or one["kind"] != "P2P"}

    def test_each_call_sends_what_it_sent(self):
        for call, (kind, total) in SENT.items():
            for form in ("kineto", "et"):
                with self.subTest(call=call, form=form):
                    sent = self.sent(*sorted((self.folder / call).glob(f"{form}.*")))
                    sent.pop("FORWARD", None)
                    self.assertEqual(sent, {kind: total})

    def test_a_step_sends_all_of_it(self):
        totals = {}
        for kind, total in SENT.values():
            totals[kind] = totals.get(kind, 0) + total
        for pattern in ("kineto.*", "et.*", "*"):
            sent = self.sent(*sorted((self.folder / "step").glob(pattern)))
            self.assertEqual({kind: total for kind, total in sent.items() if kind != "FORWARD"},
                             totals, pattern)

    def test_work_is_the_operators_own_time(self):
        """Not that of calls, nor an operator's and what it calls as well."""
        done = answer("simulate", "--trace", *sorted((self.folder / "step").glob("kineto.*")), *FLUID)
        work = {one["kind"]: one for one in done["graph"]["kinds"]}["FORWARD"]
        self.assertGreater(work["tasks"], 4 * len(SENT))
        profiles = [answer_of(path) for path in (self.folder / "step").glob("kineto.*")]
        spans = [outermost(profile) for profile in profiles]
        self.assertAlmostEqual(work["task_seconds"], sum(spans), delta=0.02 * sum(spans) + 2e-6)

    def test_traces_of_some_ranks_are_refused(self):
        files = sorted((self.folder / "all_reduce").glob("kineto.*"))
        result = run("simulate", "--trace", *files[:3], *FLUID)
        self.assertEqual(result.status, 2)
        self.assertEqual(result.err.count(b"\n"), 1)
        self.assertIn(b"give the traces of all ranks", result.err)


def answer_of(path):
    return json.loads(path.read_text())["traceEvents"]


def outermost(events):
    """Seconds of operators that are in no other, without calls."""
    operators = sorted((one["tid"], one["ts"], -one["dur"], one["name"]) for one in events
                       if one.get("cat") == "cpu_op")
    total, end = 0, {}
    for thread, start, minus_duration, name in operators:
        if start < end.get(thread, 0):
            if name.startswith("c10d"):
                total += minus_duration
            continue
        end[thread] = start - minus_duration
        if not name.startswith("c10d"):
            total -= minus_duration
    return total * 1e-6


if __name__ == "__main__":
    if torch_version() is None:
        print(f"no PyTorch in {PYTHON}: set MIXNET_TORCH_PYTHON to a Python that has it")
        sys.exit(77)
    unittest.main()
