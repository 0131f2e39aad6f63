"""Sweeps: the same rows however they are run, and nothing lost or run twice after a kill."""

import csv
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import time
import unittest

import program
from program import DATA, PROGRAM, ProgramTest, SLOWDOWN, run

POINTS = 200
FAILED = 40  # 3 does not divide 8 experts
STUDY = """
model: mixtral-8x7b
gpus: 256
global-batch-size: 512
fabric: [fat-tree, mixnet]
bandwidth: [100Gbps, 400Gbps]
seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
degree: [2, 4, 6, 7]
ep: [8, 3]
exclude:
  - {ep: 3, degree: [2, 4, 7]}
"""
SOME_FAILED = 3  # exit status

MPIRUN = shutil.which("mpirun")
MODULE = pathlib.Path(PROGRAM).resolve().parent / "libmixnet_mpi.so"
NO_MPI = ("there is no mpirun" if MPIRUN is None else
          "this build has no MPI" if not MODULE.exists() else "")
# Open MPI has things that it never frees.
MPI_ENVIRONMENT = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1",
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "ASAN_OPTIONS": "detect_leaks=0"}


def mpirun(*options, ranks=4):
    return [MPIRUN, "--oversubscribe", "--bind-to", "none", *options, "-n", str(ranks), PROGRAM]


def children(pid):
    """Processes that `pid` started."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended
        if int(fields[1]) == pid:
            found.append(int(folder.name))
    return found


class SweepTest(ProgramTest):
    def setUp(self):
        super().setUp()
        self.study = self.file("study.yaml", STUDY)
        self.out = self.folder / "out"

    def rows(self, out=None):
        text = ((out or self.out) / "results.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def files(self, out=None):
        """What a sweep leaves, by name."""
        return {path.name: path.read_bytes() for path in (out or self.out).iterdir()}

    def sweep(self, *words, status=SOME_FAILED, out=None):
        result = run("sweep", self.study, "--out", out or self.out, *words)
        self.assertEqual((result.status, result.err), (status, b""), str(result))
        return result.out.decode()

    def reference(self):
        """What the study gives in one process and one thread, made once."""
        cls = type(self)
        if not hasattr(cls, "reference_files"):
            out = self.folder / "reference"
            said = self.sweep("--threads", "1", out=out)
            self.assertIn(f"{POINTS} points, {FAILED} failed; {POINTS} run now, 0 were there", said)
            cls.reference_files = self.files(out)
        return cls.reference_files

    def kill_half_way(self, command, victim, environment=None):
        """Runs `command`, kills victim(process) once a quarter of the rows are there, and returns
        the complete rows that are left."""
        with subprocess.Popen([*command, "sweep", self.study, "--out", self.out],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=environment) as process:
            journal = self.out / "results.jsonl"
            limit = time.monotonic() + 60 * SLOWDOWN
            while not journal.exists() or journal.read_bytes().count(b"\n") < POINTS // 4:
                self.assertIsNone(process.poll(), "it ended before it could be killed")
                self.assertLess(time.monotonic(), limit)
                time.sleep(0.002)
            os.kill(victim(process), signal.SIGKILL)
            process.wait(60 * SLOWDOWN)
        # The ranks of a killed mpirun may take a moment to go: the next sweep waits for them.
        said = run("sweep", self.study, "--out", self.out, "--threads", "1").out.decode()
        kept = int(said.split(" run now, ")[1].split()[0])
        self.assertGreaterEqual(kept, POINTS // 4)
        self.assertLess(kept, POINTS)
        self.assertIn(f"{POINTS - kept} run now", said)
        self.assertEqual(self.files(), self.reference())

    def test_a_row_is_what_its_command_line_gives(self):
        self.sweep()
        rows = self.rows()
        self.assertEqual([row["point"] for row in rows], list(range(1, POINTS + 1)))
        for row in rows[::23]:
            words = shlex.split(row["command"])
            self.assertEqual(words[0], "mixnet")
            result = run(*words[1:], "--json", "-")
            if row["status"] == "ok":
                document = json.loads(result.out)
                self.assertEqual(document["runs"], [row["run"]])
                self.assertEqual(document["plan"], row["plan"])
                self.assertEqual(row["axes"]["fabric"], row["run"]["fabric"])
            else:
                self.assertEqual(result.status, 2)
                self.assertEqual(result.err.decode(), f"mixnet: {row['error']}\n")
        self.assertEqual({row["status"] for row in rows}, {"ok", "failed"})
        self.assertEqual(sum(row["status"] == "failed" for row in rows), FAILED)

        with open(self.out / "results.csv", encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
        self.assertEqual(len(table), POINTS)
        for row, cells in zip(rows, table):
            self.assertEqual(cells["command"], row["command"])
            self.assertEqual(cells["axes.degree"], row["axes"]["degree"])
            self.assertEqual(cells["error"], row.get("error", ""))
            if row["status"] == "ok":
                self.assertEqual(float(cells["run.iteration_seconds"]),
                                 row["run"]["iteration_seconds"])
                self.assertEqual(float(cells["run.exposed_seconds.ep"]),
                                 row["run"]["exposed_seconds"]["ep"])

    def test_dry_run_prints_the_commands(self):
        result = run("sweep", self.study, "--dry-run")
        self.assertEqual((result.status, result.err), (0, b""))
        lines = result.out.decode().splitlines()
        self.assertEqual(len(lines), POINTS)
        self.assertEqual(lines[0], "mixnet compare --model mixtral-8x7b --gpus 256 "
                         "--global-batch-size 512 --fabric fat-tree --bandwidth 100Gbps --seed 1 "
                         "--degree 2 --ep 8")
        self.assertFalse(self.out.exists())

    def test_rows_do_not_depend_on_threads(self):
        self.sweep("--threads", "3")
        self.assertEqual(self.files(), self.reference())

    def test_finished_points_are_not_run_again(self):
        self.reference()
        self.sweep()
        journal = self.out / "results.jsonl"
        lines = journal.read_text(encoding="utf-8").splitlines(keepends=True)
        # A mark in a row that is kept shows that it was not made anew.
        marked = lines[150].replace('"fidelity":"fluid"', '"fidelity":"mark"')
        self.assertIn("mark", marked)
        journal.write_text("".join([marked, *lines[10:120], lines[3][:99]]), encoding="utf-8")
        self.assertIn("89 run now, 111 were there", self.sweep())
        lines[150] = marked
        self.assertEqual(journal.read_text(encoding="utf-8"), "".join(lines))
        self.assertIn("0 run now, 200 were there", self.sweep())

    def test_failed_points_are_run_again_when_asked(self):
        self.sweep()
        self.assertIn("40 run now, 160 were there", self.sweep("--retry-failed"))
        self.assertEqual(self.files(), self.reference())

    def test_a_killed_sweep_goes_on(self):
        self.kill_half_way([PROGRAM], lambda process: process.pid)

    @unittest.skipIf(NO_MPI, NO_MPI)
    def test_ranks_give_the_same_rows(self):
        done = subprocess.run([*mpirun(), "sweep", self.study, "--out", self.out],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=120 * SLOWDOWN, env=MPI_ENVIRONMENT)
        self.assertEqual(done.returncode, SOME_FAILED, done.stderr)
        self.assertIn(b"200 points, 40 failed; 200 run now, 0 were there", done.stdout)
        self.assertEqual(done.stdout.count(b"200 points"), 1)
        self.assertEqual(self.files(), self.reference())

    @unittest.skipIf(NO_MPI, NO_MPI)
    def test_a_killed_mpirun_goes_on(self):
        self.kill_half_way(mpirun(), lambda process: process.pid, MPI_ENVIRONMENT)

    @unittest.skipIf(NO_MPI, NO_MPI)
    def test_a_killed_rank_costs_no_finished_point(self):
        self.kill_half_way(mpirun(), lambda process: max(children(process.pid)), MPI_ENVIRONMENT)

    @unittest.skipIf(NO_MPI, NO_MPI)
    def test_others_take_over_from_a_dead_rank_where_mpi_lets_them(self):
        command = [*mpirun("--enable-recovery"), "sweep", self.study, "--out", self.out,
                   "--rank-timeout", "2s"]
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, env=MPI_ENVIRONMENT) as process:
            journal = self.out / "results.jsonl"
            while not journal.exists() or journal.read_bytes().count(b"\n") < 8:
                self.assertIsNone(process.poll())
                time.sleep(0.002)
            os.kill(max(children(process.pid)), signal.SIGKILL)
            said = process.communicate(timeout=120 * SLOWDOWN)[0].decode()
        self.assertIn("200 points, 40 failed; 200 run now", said)
        self.assertIn("given up, as nothing was heard of them: rank ", said)
        self.assertEqual(self.files(), self.reference())

    @unittest.skipIf(NO_MPI, NO_MPI)
    def test_ranks_are_let_go_when_the_study_is_wrong(self):
        self.study.write_text("model: mixtal-8x7b\n", encoding="utf-8")
        done = subprocess.run([*mpirun(ranks=2), "sweep", self.study, "--out", self.out],
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=60 * SLOWDOWN, env=MPI_ENVIRONMENT)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count(b"did you mean 'mixtral-8x7b'?"), 1)

    def test_without_the_module_mpirun_is_refused_and_all_else_works(self):
        alone = self.folder / "bin" / "mixnet"
        alone.parent.mkdir()
        shutil.copy(PROGRAM, alone)
        environment = {**os.environ, "MIXNET_DATA_DIR": str(DATA)}
        words = [alone.resolve(), "sweep", self.study, "--out", self.out]
        done = subprocess.run(words, capture_output=True, check=False,
                              env={**environment, "OMPI_COMM_WORLD_SIZE": "2"})
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"mixnet: MPI: this build of mixnet has none", done.stderr)
        self.assertFalse(self.out.exists())
        done = subprocess.run(words, capture_output=True, check=False, env=environment)
        self.assertEqual(done.returncode, SOME_FAILED, done.stderr)
        self.assertEqual(self.files(), self.reference())

    def test_mistakes_are_one_line_and_leave_nothing(self):
        def refused(words, *said):
            result = run("sweep", *words)
            self.assertEqual((result.status, result.out), (2, b""), str(result))
            line = result.err.decode()
            self.assertEqual(line.count("\n"), 1, line)
            for part in said:
                self.assertIn(part, line)
            self.assertFalse(self.out.exists())

        out = ["--out", self.out]
        refused([], "study: is required")
        refused([self.study], "--out: is missing")
        refused([self.study, "more", *out], "more: was not expected")
        refused([self.folder / "none.yaml", *out], "no such file")
        refused([self.study, *out, "--threads", "0"], "--threads: 0 is out of range")
        refused([self.study, *out, "--rank-timeout", "60"], "--rank-timeout: '60' has no unit")
        refused([self.study, *out, "--rank-timeout", "1ms"], "--rank-timeout", "1s to 3600s")
        refused([self.study, "--out", self.study], "cannot be made a folder")
        for text, *said in (("model: [mixtral-8x7b\n", ":2:1: is not valid YAML"),
                            ("model: mixtral-8x7b\nbandwith: 100Gbps\n", ":2:1: ",
                             "did you mean 'bandwidth'?"),
                            ("model: mixtral-8x7b\nbandwidth: [100Gbps, 400]\n", ":2:22: ",
                             "write it as '400Gbps'"),
                            ("bandwidth: 100Gbps\n", "sets no 'model'"),
                            ("", "is empty")):
            refused([self.file("bad.yaml", text), *out], "bad.yaml", *said)

    def test_a_folder_is_one_studys(self):
        study = self.file("small.yaml", "model: mixtral-8x7b\ngpus: 128\nfabric: [mixnet, ideal]\n")
        self.assertEqual(run("sweep", study, "--out", self.out).status, 0)
        before = self.files()
        study.write_text(study.read_text(encoding="utf-8") + "seed: 2\n", encoding="utf-8")
        result = run("sweep", study, "--out", self.out)
        self.assertEqual((result.status, result.out), (2, b""))
        self.assertIn(b"holds the results of another study: 'seed' differs", result.err)
        self.assertEqual(self.files(), before)
        # The same said otherwise.
        study.write_text("{gpus: 128, fabric: ['mixnet', ideal], model: mixtral-8x7b} # same\n",
                         encoding="utf-8")
        result = run("sweep", study, "--out", self.out)
        self.assertEqual(result.status, 0, str(result))

    def test_a_changed_model_file_is_noticed(self):
        config = self.file("config.json", (DATA / "models" / "mixtral-8x7b.json").read_bytes())
        study = self.file("small.yaml", f"model: {config}\ngpus: 128\nfabric: mixnet\n")
        self.assertEqual(run("sweep", study, "--out", self.out).status, 0)
        with open(config, "a", encoding="utf-8") as file:
            file.write("\n")
        result = run("sweep", study, "--out", self.out)
        self.assertEqual(result.status, 2)
        self.assertIn(b"config.json' has changed since the sweep began", result.err)

    def test_two_sweeps_cannot_have_one_folder(self):
        self.sweep()
        words = [PROGRAM, "sweep", str(self.study), "--out", str(self.out)]
        # `flock` on the folder is what a running sweep holds.
        import fcntl  # pylint: disable=import-outside-toplevel
        handle = os.open(self.out, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        done = subprocess.run(words, capture_output=True, check=False)
        os.close(handle)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"is in use by another sweep", done.stderr)

    def test_the_shipped_study_runs(self):
        study = DATA.parent / "studies" / "optical-switch.yaml"
        self.assertEqual(run("sweep", study, "--out", self.out).status, 0)
        rows = self.rows()
        self.assertEqual(len(rows), 76)
        fat_trees = [row for row in rows if row["axes"]["fabric"] == "fat-tree"]
        self.assertEqual(len(fat_trees), 4)
        # A faster switch is never worse, but for what hitless decides by expecting.
        times = {tuple(row["axes"].values()): row["run"]["iteration_seconds"] for row in rows}
        for model in ("mixtral-8x7b", "mixtral-8x22b"):
            for degree in ("2", "4", "6"):
                series = [times[model, "400Gbps", "mixnet", degree, delay]
                          for delay in ("10us", "1ms", "10ms", "25ms", "100ms", "1s")]
                for faster, slower in zip(series, series[1:]):
                    self.assertGreater(slower, 0.99 * faster)
                if model == "mixtral-8x22b":
                    self.assertGreater(series[-1], series[0])


if __name__ == "__main__":
    if NO_MPI:
        print(f"sweeps under mpirun are not tested: {NO_MPI}")
    program.main()
