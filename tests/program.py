"""The program under test, for the *_test.py beside this file: run it, read what it says.

ctest sets MIXNET (the program) and MIXNET_SLOWDOWN (how much slower than a release build it may be;
sanitizers cost about a factor of ten). Every test runs in a folder of its own, which is emptied.
"""

import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("MIXNET", "build/mixnet")
SLOWDOWN = float(os.environ.get("MIXNET_SLOWDOWN", "1"))
DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
PRODUCTION_MATRIX = DATA / "routing" / "production_mixtral_8x7b.csv"
PUBLISHED = DATA / "published" / "iteration_time.csv"
PRICES = DATA / "prices" / "component_prices.csv"
SHARED_GRAPHS = pathlib.Path(os.environ.get("MIXNET_SHARED_DATA_DIR", "../shared/data")) / "flexflow"
ALL_FABRICS = ["fat-tree", "oversub-fat-tree", "rail-optimized", "topoopt", "mixnet", "ideal"]
DOMAIN_FABRICS = ["nvl72", "mixnet-optical-io"]  # by name only: they are made of domains of 64 GPUs
ALL_BANDWIDTHS = "100Gbps,200Gbps,400Gbps,800Gbps"


class Result:
    """What one run of the program left: status, stdout and stderr (bytes), CPU seconds."""

    def __init__(self, words, status, out, err, cpu_seconds):
        self.words = words
        self.status = status
        self.out = out
        self.err = err
        self.cpu_seconds = cpu_seconds

    def __str__(self):
        return f"mixnet {' '.join(self.words)}: status {self.status}, stderr {self.err[:500]!r}"


def graph(name):
    """A FlexFlow graph of the authors', or, for those who lack it, its made-up twin of the same form
    (src/simulator/interop/test_task_graphs.h)."""
    twins = pathlib.Path(__file__).resolve().parent / "data" / "flexflow"
    theirs = SHARED_GRAPHS / f"{name}.fbuf"
    return theirs if theirs.exists() else twins / f"twin_of_{name}.fbuf"


def run(*words, timeout=250, **options):
    """Runs `mixnet WORDS...`. CPU time, not elapsed: other tests may have the cores."""
    words = [str(word) for word in words]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=timeout * SLOWDOWN, check=False, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)
    return Result(words, done.returncode, done.stdout, done.stderr, cpu)


def answer(*words):
    """The JSON document that `mixnet WORDS... --json -` prints, which must be all that it prints."""
    result = run(*words, "--json", "-")
    if result.status != 0 or result.err:
        raise AssertionError(str(result))
    return json.loads(result.out)


def compare(*words):
    """The runs of `mixnet compare`, by (fabric, Gb/s)."""
    runs = answer("compare", *words)["runs"]
    return {(one["fabric"], one["bandwidth_gbps"]): one for one in runs}


class ProgramTest(unittest.TestCase):
    """A test in an empty folder."""

    maxDiff = 2000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(dir="."))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, content):
        """A file with `content` (text or bytes) in the test's folder."""
        path = self.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content, encoding="utf-8")
        return path


def main():
    """Runs the tests of the calling file."""
    if not os.access(PROGRAM, os.X_OK):
        print(f"MIXNET={PROGRAM} is not the program; set it to its path", file=sys.stderr)
        sys.exit(1)
    unittest.main(module="__main__", verbosity=1)
