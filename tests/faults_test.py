"""Disks that are full and files that cannot grow: one line, status 2, nothing half written."""

import resource
import unittest

import program
from program import ProgramTest, run

MODEL = ["--model", "mixtral-8x7b", "--gpus", "128"]
COMPARE = ["compare", *MODEL, "--fabric", "fat-tree,mixnet", "--bandwidth", "400Gbps"]
FULL = "No space left on device"
STUDY = """
model: mixtral-8x7b
gpus: 128
fabric: [fat-tree, mixnet]
bandwidth: [100Gbps, 400Gbps]
seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
"""


def no_file_over(size):
    """Options of run(): a write that would make a larger file fails in its midst (EFBIG)."""
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
            "restore_signals": False}  # Python ignores SIGXFSZ; so does the program then


class FaultsTest(ProgramTest):
    def fails(self, result, *said):
        self.assertEqual(result.status, 2, str(result))
        line = result.err.decode()
        self.assertTrue(line.startswith("mixnet: ") and line.count("\n") == 1, line)
        for words in said:
            self.assertIn(words, line)

    def files(self, folder):
        return {path.name: path.read_bytes() for path in folder.iterdir()}

    def test_a_full_device_as_a_file(self):
        for words in ([*COMPARE, "--json", "/dev/full"], [*COMPARE, "--csv", "/dev/full"],
                      ["models", "--json", "/dev/full"],
                      ["convert", *MODEL, "--to", "dot", "--output", "/dev/full"]):
            with self.subTest(words[0]):
                self.fails(run(*words), "/dev/full: cannot be written", FULL)

    def test_a_full_device_behind_standard_output(self):
        for words in (COMPARE, [*COMPARE, "--json", "-"], ["models"], ["--help"], ["--version"],
                      ["compare", "--help"]):
            with self.subTest(" ".join(words)), open("/dev/full", "wb") as full:
                done = program.subprocess.run([program.PROGRAM, *words], stdout=full,
                                              stdin=program.subprocess.DEVNULL,
                                              stderr=program.subprocess.PIPE, check=False)
                result = program.Result(words, done.returncode, b"", done.stderr, 0)
                self.fails(result, "standard output: cannot be written", FULL)

    def test_a_file_that_cannot_grow_leaves_the_old_one(self):
        old = self.file("out.json", "old")
        self.fails(run(*COMPARE, "--json", old, **no_file_over(500)), "out.json: cannot be written",
                   "File too large")
        self.assertEqual(self.files(self.folder), {"out.json": b"old"})

    def test_traces_of_all_ranks_or_none(self):
        words = ["convert", *MODEL, "--to", "chakra", "--output", self.folder / "job"]
        self.fails(run(*words, **no_file_over(500)), "job.0.et: cannot be written")
        self.assertEqual(self.files(self.folder), {})

    def test_a_sweep_whose_rows_find_no_room_goes_on_later(self):
        study = self.file("study.yaml", STUDY)
        sweep = ["sweep", study, "--threads", "2", "--out"]
        reference = self.folder / "reference"
        self.assertEqual(run(*sweep, reference).status, 0)
        out = self.folder / "out"
        # Not a whole number of rows.
        room = (reference / "results.jsonl").stat().st_size // 2 + 7
        self.fails(run(*sweep, out, **no_file_over(room)), "results.jsonl: cannot be written",
                   "File too large", "start the sweep again to go on")
        left = self.files(out)
        self.assertEqual(sorted(left), ["results.jsonl", "study.yaml", "sweep.json"])
        rows = left["results.jsonl"]
        self.assertTrue(rows.endswith(b"\n") and 10 < rows.count(b"\n") < 30, rows[-200:])
        self.assertEqual(run("report", out, "--html", self.folder / "page.html").status, 0)
        said = run(*sweep, out).out.decode()
        self.assertIn(f"{rows.count(10)} were there", said)
        self.assertEqual(self.files(out), self.files(reference))


if __name__ == "__main__":
    program.main()
