#!/usr/bin/env python3
"""Golden runs: what the commands of golden_cases.py said when they were last recorded, to the byte.

    golden_test.py                        compares; ctest runs it as program.golden
    golden_test.py --all                  also cases that take minutes, or files of ../shared/data
    golden_test.py NAME...                cases whose names begin so, as in compare/fail
    golden_test.py --record [NAME...]     writes golden/ anew: look at `git diff` afterwards
    golden_test.py --keep FOLDER          also leaves all that was written: `diff -r` of two such
                                          folders, of two programs (--program PATH), shows every byte

Of every command golden/digests.json has a line: exit status, and the SHA-256 of standard output,
standard error and every file it wrote. golden/COMMAND/CASE.txt has what is short as it is, for people.
Compared is what does not depend on where and how fast it ran, nor on other projects' versions (see
same_everywhere); the texts of --help only with the CLI11 that they were recorded with.
"""

import argparse
import base64
import concurrent.futures
import difflib
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

import golden_cases
import program
from program import DATA

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
DIGESTS = GOLDEN / "digests.json"
KEPT_BYTES = 900  # of one output; a longer one is a digest only
MOST_KEPT_BYTES = 300 * 1024  # of all files for people
MOST_FILES = 8  # of a command with a digest each; of more, one digest together
WORKERS = 2
SKIPPED = 77
# What makes the texts of --help: CMake's CLI11_VERSION, which ctest hands over.
CLI11 = os.environ.get("MIXNET_CLI11", "")

WALL_TIME = [
    (re.compile(rb'("(?:wall_seconds|packet_hops_per_second)": )[-+.e0-9]+'), rb"\g<1>0"),
    (re.compile(rb"^simulated in .*$", re.MULTILINE), b"simulated in WALL TIME"),
]
# A page's libraries come from the machine's packages; the digest allows just these bytes to run.
SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def same_everywhere(content, version):
    """`content` without times of day and clocks, places on this machine, versions."""
    for pattern, replacement in WALL_TIME:
        content = pattern.sub(replacement, content)
    content = content.replace(str(DATA).encode(), b"DATA")
    if version:
        content = content.replace(b"mixnet " + version, b"mixnet VERSION")
    if content.startswith(b"<!DOCTYPE html>"):
        content = without_chart_library(content)
    return content


def without_chart_library(page):
    for script in SCRIPT.findall(page):
        if b"Chart.js v" in script[:200]:
            page = page.replace(script, b"Chart.js")
            page = page.replace(base64_sha256(script), b"Chart.js")
    return re.sub(rb"Chart\.js [0-9.]+, &copy; [0-9]+", b"Chart.js VERSION", page)


def base64_sha256(script):
    return base64.b64encode(hashlib.sha256(script).digest())


class Step:
    """What one command left."""

    def __init__(self, words, status, out, err, files):
        self.words = words
        self.status = status
        self.outputs = {"stdout": out, "stderr": err, **files}  # name -> bytes; files by their path

    def line(self):
        return "mixnet " + self.words

    def digests(self):
        """The command's line of digests.json."""
        files = {name: hashlib.sha256(content).hexdigest()
                 for name, content in sorted(self.outputs.items()) if name not in ("stdout", "stderr")}
        if len(files) > MOST_FILES:
            listing = "".join(f"{digest}  {name}\n" for name, digest in files.items())
            files = {f"{len(files)} files": hashlib.sha256(listing.encode()).hexdigest()}
        streams = {name: hashlib.sha256(self.outputs[name]).hexdigest()
                   for name in ("stdout", "stderr") if self.outputs[name]}
        return {"command": self.line(), "status": self.status, **streams, **files}

    def text(self):
        """For people: short outputs as they are."""
        parts = [f"$ {self.line()}\n"]
        if self.status:
            parts.append(f"status {self.status}\n")
        names = sorted(self.outputs)
        for name in names[:MOST_FILES + 2]:
            content = self.outputs[name]
            if content:
                parts.append(shown(name, content))
        if len(names) > MOST_FILES + 2:
            parts.append(f"--- and {len(names) - MOST_FILES - 2} files more\n")
        return "".join(parts)


def shown(name, content):
    """`content` behind a line with its name; of what is long or binary, the digest."""
    try:
        text = content.decode() if len(content) <= KEPT_BYTES else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        return f"--- {name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}\n"
    return f"--- {name}\n{text}" + ("" if text.endswith("\n") else "\n(no newline at the end)\n")


class Runner:
    """Runs cases of one program."""

    def __init__(self, path):
        self.path = str(pathlib.Path(path).resolve())
        # So that nothing but the command line decides: not the terminal, the language, the machine.
        self.environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "COLUMNS": "80",
                            "MIXNET_DATA_DIR": str(DATA), "SOURCE_DATE_EPOCH": "1764201600"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"):
            if name in os.environ:
                self.environment[name] = os.environ[name]
        done = self.run(["--version"], ".")
        self.version = done.stdout.strip()

    def run(self, words, folder):
        return subprocess.run([self.path, *words], cwd=folder, env=self.environment, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True)

    def steps(self, case, keep=None):
        """The case's steps. `keep`: a folder that is to hold what they wrote."""
        with tempfile.TemporaryDirectory(prefix="golden") as name:
            folder = pathlib.Path(name)
            for file, content in case.files.items():
                if isinstance(content, pathlib.Path):
                    content = content.read_bytes()
                elif isinstance(content, str):
                    content = content.encode()
                (folder / file).write_bytes(content)
            before = contents(folder)
            steps = []
            for words in case.commands:
                done = self.run(shlex.split(words), folder)
                after = contents(folder)
                written = {path: same_everywhere(content, self.version)
                           for path, content in after.items() if before.get(path) != content}
                written |= {path: b"(deleted)" for path in before if path not in after}
                before = after
                steps.append(Step(words, done.returncode, same_everywhere(done.stdout, self.version),
                                  same_everywhere(done.stderr, self.version), written))
        if keep:
            for number, step in enumerate(steps, 1):
                keep_step(step, keep / case.name / str(number))
        return steps


def contents(folder):
    """All files below `folder`: path in it -> bytes."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def keep_step(step, folder):
    for name, content in {**step.outputs, "command": f"{step.line()}\nstatus {step.status}\n".encode(),
                          }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def names_of(case):
    """Of the case's lines in digests.json."""
    return [f"{case.name} {number}" for number in range(1, len(case.commands) + 1)]


def text_path(case):
    return GOLDEN / f"{case.name}.txt"


def read_digests():
    if not DIGESTS.exists():
        return {}
    return json.loads(DIGESTS.read_text(encoding="utf-8"))


def write_digests(digests):
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(digests[name])}" for name in sorted(digests))
    DIGESTS.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def difference(case, steps, golden, program_path):
    """What differs from the recording, as text; "" when nothing does."""
    for name, step in zip(names_of(case), steps):
        wanted, got = golden.get(name), step.digests()
        if wanted == got:
            continue
        said = [f"{name}: differs from its recording\n  {step.line()}\n"]
        if wanted is None:
            return said[0] + "  there is no recording: see --record\n"
        text = "".join(one.text() for one in steps)
        kept = text_path(case).read_text(encoding="utf-8") if text_path(case).exists() else ""
        lines = list(difflib.unified_diff(kept.splitlines(True), text.splitlines(True), "recorded", "now"))
        said += lines[:80]
        if len(lines) > 80:
            said.append(f"  ... and {len(lines) - 80} lines more\n")
        keys = [key for key in {**wanted, **got} if wanted.get(key) != got.get(key)]
        said.append(f"  first to differ: {keys[0]} (recorded {wanted.get(keys[0], 'nothing')}, now "
                    f"{got.get(keys[0], 'nothing')})\n  all of it, of this program and another: "
                    f"tests/golden_test.py --program {program_path} --keep FOLDER {case.name}\n")
        return "".join(said)
    return ""


def absent_files(case):
    return [path for path in case.files.values() if isinstance(path, pathlib.Path) and not path.exists()]


def chosen(arguments):
    for case in golden_cases.CASES:
        if arguments.names:
            if any(case.name.startswith(name) for name in arguments.names):
                yield case
        elif arguments.all or not case.all_only:
            yield case


def can_run(case, digests):
    """Whether the case can be compared here; says so when not."""
    absent = absent_files(case)
    if absent:
        print(f"golden: {case.name} is left out: {absent[0]} is absent")
        return False
    recorded_with = digests.get("cli11", CLI11)
    if case.name.startswith("help/") and CLI11 and CLI11 != recorded_with:
        print(f"golden: {case.name} is left out: recorded with CLI11 {recorded_with}, this is {CLI11}")
        return False
    return True


def record(results, golden):
    """Puts results, (case, steps), in the place of what golden/ has of these cases; and takes out
    what is of no case any more."""
    known = {name for case in golden_cases.CASES for name in names_of(case)}
    golden = {name: line for name, line in golden.items() if name in known or name == "cli11"}
    for case, steps in results:
        golden.update(zip(names_of(case), (step.digests() for step in steps)))
        text_path(case).parent.mkdir(parents=True, exist_ok=True)
        text_path(case).write_text("".join(step.text() for step in steps), encoding="utf-8")
    if CLI11:
        golden["cli11"] = CLI11
    write_digests(golden)
    texts = {text_path(case) for case in golden_cases.CASES}
    for path in GOLDEN.rglob("*.txt"):
        if path not in texts:
            path.unlink()
    size = sum(path.stat().st_size for path in GOLDEN.rglob("*.txt"))
    print(f"golden: {len(golden)} lines of digests; {size} bytes for people")
    if size > MOST_KEPT_BYTES:
        sys.exit(f"golden: that is over {MOST_KEPT_BYTES}; lower KEPT_BYTES")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--keep", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--program", default=program.PROGRAM, metavar="PATH")
    arguments = parser.parse_args()
    if not os.access(arguments.program, os.X_OK):
        sys.exit(f"{arguments.program} is not the program; give its path as MIXNET or --program")
    if arguments.keep:
        shutil.rmtree(arguments.keep, ignore_errors=True)

    golden = read_digests()
    cases = [case for case in chosen(arguments) if can_run(case, golden)]
    if not cases:
        sys.exit(f"golden: no case is called {' or '.join(arguments.names)}")
    runner = Runner(arguments.program)
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        results = list(zip(cases, pool.map(lambda case: runner.steps(case, arguments.keep), cases)))
    if arguments.record:
        record(results, golden)
        return
    said = [text for text in (difference(case, steps, golden, arguments.program)
                              for case, steps in results) if text]
    print("\n".join(said), end="")
    commands = sum(len(case.commands) for case in cases)
    print(f"golden: {commands} commands in {len(cases)} cases; {len(said)} cases differ")
    sys.exit(1 if said else 0)


if __name__ == "__main__":
    main()
