"""Licences of all that is linked into the program, its modules and the Python package.

What is linked is found out, not declared: shared libraries by ldd; archives, embedded files and headers
from Ninja's record of the build. Each file's Debian package and that package's copyright file are held
against the table in docs/licences.md.
"""

import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import program

SOURCE = pathlib.Path(__file__).resolve().parent.parent
TABLE = SOURCE / "docs" / "licences.md"
BUILD = pathlib.Path(program.PROGRAM).resolve().parent
WAYS = ["shared", "static", "headers", "embedded"]

# SPDX identifiers that may be linked, and words of which the copyright file must have one.
KNOWN = {
    "Apache-2.0": r"Apache",
    "BSD-2-Clause": r"BSD|Redistributions of source code",
    "BSD-3-Clause": r"BSD|Redistributions of source code",
    "BSL-1.0": r"Boost",
    "GPL-2.0-only WITH Linux-syscall-note": r"GPL-2|General Public License",
    "GPL-3.0-or-later WITH GCC-exception-3.1": r"GCC Runtime Library Exception",
    "LGPL-2.1-only": r"LGPL|Lesser General Public",
    "LGPL-2.1-or-later": r"LGPL|Lesser General Public",
    "LGPL-3.0-or-later": r"LGPL|Lesser General Public",
    "MIT": r"MIT|Expat|X11|Permission is hereby granted",
    "MPL-2.0": r"MPL|Mozilla Public",
    "PSF-2.0": r"PSF|PYTHON SOFTWARE FOUNDATION",
    "Zlib": r"(?i)zlib",
    "blessing": r"public[- ]domain",  # SQLite's
}


def output(*words):
    """What a command prints; some say by their status that they found only a part."""
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=False).stdout


def cannot(why):
    print(f"the licences cannot be looked up: {why}")
    sys.exit(77)


class Row:
    """A line of the table."""

    def __init__(self, cells):
        self.patterns = re.findall(r"`([^`]+)`", cells[0])
        self.ways = [way.strip() for way in cells[1].split(",")]
        self.licence, self.gpl, self.why = cells[2:]

    def matches(self, name):
        return any(fnmatch.fnmatchcase(name, pattern) for pattern in self.patterns)


def read_table(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [Row([cell.strip() for cell in line.strip("|").split("|")]) for line in lines[2:]]


def way_of(path):
    name = os.path.basename(path)
    if re.search(r"\.so(\.|$)", name):
        return "shared"
    if name.endswith((".a", ".o")):
        return "static"
    # C++'s own headers have no suffix.
    return "headers" if re.search(r"\.(h|hh|hpp|hxx|ipp|tcc|inl|inc)$|^[^.]+$", name) else "embedded"


def ours(path):
    return path.startswith((f"{SOURCE}/", f"{BUILD}/")) and "/site-packages/" not in path


def linked_files(build, targets):
    """All files of others that become part of the targets (paths below the build folder)."""
    files = set()
    for target in targets:
        files.update(re.findall(r"=> (/\S+)|^\s(/\S+)", output("ldd", str(build / target)), re.M))
    files = {one or other for one, other in files}
    inputs = output("ninja", "-C", str(build), "-t", "inputs", *targets).splitlines()
    inputs = [one for one in inputs if not one.startswith("ninja: ")]
    objects = [one for one in inputs if one.endswith(".o")]
    deps = output("ninja", "-C", str(build), "-t", "deps", *objects)
    inputs += re.findall(r"^ +(\S+)$", deps, re.M)
    for one in inputs:
        path = os.path.realpath(build / one)
        # Tools that make files in the build are among the inputs, too, and so are CMake's names.
        if os.path.isfile(path) and not path.startswith(("/usr/bin/", "/usr/share/cmake")):
            files.add(path)
    return {path for path in map(os.path.realpath, files) if not ours(path)}


def packages_of(files):
    """Ways in which each Debian package is linked, by its name; a file of none goes by its path."""
    # Where /lib is a link to /usr/lib, packages may have the file under either name.
    names = {path: {path, re.sub(r"^/usr/", "/", path)} for path in files}
    listing = output("dpkg-query", "--search", *sorted(set().union(*names.values())))
    owners = {}
    for owner, path in re.findall(r"^(\S+?)(?:, .*)?: (/.*)$", listing, re.M):
        owners[path] = owner.split(":")[0]
    found = {}
    for path in files:
        owner = next((owners[name] for name in names[path] if name in owners), path)
        found.setdefault(owner, set()).add(way_of(path))
    return found


def names_gpl(copyright_text):
    """Whether a copyright file names the GPL or AGPL (and not the LGPL alone)."""
    if copyright_text.lstrip().startswith("Format"):  # machine-readable
        licences = " ".join(re.findall(r"^License:[ \t]*(.+)$", copyright_text, re.M))
        return re.search(r"(?<!L)GPL|Affero", licences) is not None
    flat = re.sub(r"\s+", " ", copyright_text)
    return re.search(r"(?<!Lesser )(?<!Library )General Public Licen[sc]e|\bA?GPL-?[v23]",
                     flat) is not None


def copyright_of(package):
    path = pathlib.Path("/usr/share/doc") / package / "copyright"
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else None


def complaints(found, rows):
    """What is wrong with what was found, a line each."""
    said = []
    for name, ways in sorted(found.items()):
        row = next((row for row in rows if row.matches(name)), None)
        if row is None:
            said.append(f"{name} ({', '.join(sorted(ways))}) is not in docs/licences.md")
            continue
        for way in sorted(ways - set(row.ways)):
            said.append(f"{name} is linked as '{way}', which docs/licences.md does not allow")
        if row.licence not in KNOWN:
            said.append(f"{name}: {row.licence} must not be linked")
            continue
        if name.startswith("/"):
            continue  # of no package: the table alone speaks for it
        text = copyright_of(name)
        if text is None:
            said.append(f"{name} has no copyright file")
            continue
        if not re.search(KNOWN[row.licence], text):
            said.append(f"{name}: its copyright file does not speak of {row.licence}")
        if names_gpl(text) and not row.gpl:
            said.append(f"{name}: its copyright file names the GPL; docs/licences.md says nothing of it")
    return said


def targets():
    """What users get, where it is built."""
    names = ["mixnet", "mixnet-ocs", "mixnet-ocs-ctl", "mixnetd", "mixnet-ctl", "libmixnet_mpi.so"]
    names += [path.relative_to(BUILD).as_posix() for path in BUILD.glob("python/mixnet/_core*.so")]
    return [name for name in names if (BUILD / name).exists()]


class LicencesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rows = read_table(TABLE.read_text(encoding="utf-8"))
        cls.found = packages_of(linked_files(BUILD, targets()))

    def test_all_that_is_linked_may_be(self):
        self.assertEqual(complaints(self.found, self.rows), [])

    def test_it_sees_each_kind(self):
        for package, way in [("libc6", "shared"), ("libfmt*", "shared"), ("libfmt-dev", "headers"),
                             ("libeigen3-dev", "headers"), ("liblemon-dev", "headers"), ("libcli11-dev", "headers"),
                             ("libjs-chart.js", "embedded")]:
            with self.subTest(package):
                ways = [ways for name, ways in self.found.items() if fnmatch.fnmatch(name, package)]
                self.assertTrue(any(way in some for some in ways), self.found)

    def test_the_table_is_sound(self):
        for row in self.rows:
            with self.subTest(row.patterns):
                self.assertTrue(row.patterns and row.why)
                self.assertLessEqual(set(row.ways), set(WAYS))
                self.assertIn(row.licence, KNOWN)
                if row.licence.startswith("LGPL") and row.patterns[0] != "libc6":
                    self.assertEqual(row.ways, ["shared"])

    def test_it_fails_on_what_is_not_listed(self):
        rows = [row for row in self.rows if not row.matches("libfmt-dev")]
        said = complaints(self.found, rows)
        self.assertTrue(said)
        for line in said:
            self.assertRegex(line, r"^libfmt\S* \((headers|shared)\) is not in docs/licences.md$")

    def test_it_fails_on_a_way_that_is_not_allowed(self):
        self.assertEqual(complaints({"libudev1": {"static"}}, self.rows)[0],
                         "libudev1 is linked as 'static', which docs/licences.md does not allow")

    def test_it_fails_on_gpl(self):
        # A GPL program that every Debian has stands for a GPL library: as if we linked it.
        found = packages_of({shutil.which("bash")})
        self.assertEqual(list(found), ["bash"])
        found = {"bash": {"shared"}}
        self.assertEqual(complaints(found, self.rows),
                         ["bash (shared) is not in docs/licences.md"])
        listed = Row(["`bash`", "shared", "GPL-3.0-or-later", "all", "none"])
        self.assertEqual(complaints(found, [listed]), ["bash: GPL-3.0-or-later must not be linked"])
        disguised = Row(["`bash`", "shared", "Zlib", "", "none"])
        said = complaints(found, [disguised])
        self.assertIn("bash: its copyright file does not speak of Zlib", said)
        self.assertIn("bash: its copyright file names the GPL; docs/licences.md says nothing of it",
                      said)

    def test_a_library_that_is_linked_is_found(self):
        # A shared object made for this, linked with what nothing of ours is: the compiler's own.
        if shutil.which("cc") is None:
            self.skipTest("there is no compiler")
        made = subprocess.run(["cc", "-shared", "-o", "other.so", "-x", "c", "/dev/null",
                               "-Wl,--no-as-needed", "-l:libgomp.so.1"], check=False,
                              capture_output=True)
        if made.returncode != 0:
            self.skipTest("there is no libgomp")
        found = packages_of(linked_files(pathlib.Path.cwd(), ["other.so"]))
        self.assertEqual(complaints(found, self.rows),
                         ["libgomp1 (shared) is not in docs/licences.md"])

    def test_what_names_the_gpl(self):
        for text in ["Format: x\nLicense: GPL-2+\n", "Format: x\nLicense: AGPL-3\n",
                     "under the GNU General\n Public License", "Licensed under GPLv3"]:
            self.assertTrue(names_gpl(text), text)
        for text in ["Format: x\nLicense: LGPL-2.1+\n", "GNU Lesser General\n Public License",
                     "Format: x\nLicense: Expat\n", "Permission is hereby granted"]:
            self.assertFalse(names_gpl(text), text)


if __name__ == "__main__":
    if program.SLOWDOWN > 1:
        cannot("sanitizers link libraries of their own")
    for tool, remedy in [("dpkg-query", "this is not Debian"), ("ninja", "Ninja is not installed"),
                         ("ldd", "there is no ldd")]:
        if shutil.which(tool) is None:
            cannot(remedy)
    if not (BUILD / "build.ninja").exists():
        cannot(f"{BUILD} is not a build by Ninja")
    program.main()
