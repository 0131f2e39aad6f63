#!/usr/bin/env python3
"""The house's rules: who may use whom, and how long rooms, files and functions may be; no copies.

What uses what is CMake's own word (BUILD/house.json, cmake/MixnetHouse.cmake); the rest is read from
the sources (cpp_scan.py). `house_test.py --list` prints what there is of everything that is held to
a limit: rooms, the longest files and functions, copies.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import cpp_scan
from program import DATA

ROOT = DATA.parent
sys.path.insert(0, str(ROOT / "scripts"))
import draw_house  # pylint: disable=wrong-import-position
import house  # pylint: disable=wrong-import-position

HOUSE = pathlib.Path(os.environ.get("MIXNET_HOUSE", ROOT / "build" / "house.json"))
# With sanitizers there is no Python package: its door is in no target then (tests/CMakeLists.txt).
LEFT_OUT = {("doors", "python")} if os.environ.get("MIXNET_PYTHON") == "" else set()
MOST_ROOM_LINES = 6000  # but of doors
MOST_FILE_LINES = 500
MOST_FUNCTION_LINES = 70
GONE = ["study", "sim", "control"]  # halls that became rooms
CHECK = re.compile(r"(_(test|bench|fuzz)\.(cc|h|py)|(^|/)(test_[^/]*|[^/]*test_networks|fake_[^/]*)\.(cc|h))$")
WRITTEN = {".cc", ".h", ".py", ".js", ".css", ".html", ".cmake", ".fbs", ".proto"}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"/]+)/[^"]*"', re.MULTILINE)

COPY_TOKENS = 60
MOST_COPIES = 10
# Copies that stay: the two files, the most tokens, and why.
ALLOWED_COPIES = [
    ("src/simulator/training/topoopt_communication.h", "src/simulator/training/tree_communication.h", 74,
     "the declarations of one interface in its two implementations"),
    ("src/ground/base/units.cc", "src/ground/base/units.cc", 65,
     "rows of the two tables of units"),
    ("src/ground/base/units.cc", "src/ground/base/units.cc", 63,
     "rows of one table of units"),
    ("src/ground/base/units.cc", "src/ground/base/units.cc", 64,
     "one line for each of three quantities: parse, to_string"),
    ("src/ground/base/units.cc", "src/ground/base/units.cc", 62,
     "the same, another shift of it"),
    ("src/ground/base/units.cc", "src/ground/base/units.cc", 62,
     "the same, another shift of it"),
]
# For --list: Debian's similarity-tester, which Debian 13 has not. It takes all names for the same,
# so that most of what it finds is alike in shape only: the fields of two structures, table rows.
SIM = shutil.which("sim_c++")


def sources(suffixes=(".cc", ".h")):
    """Files of src/ that are no checks, as paths from the root -> text."""
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
            for path in sorted((ROOT / "src").rglob("*"))
            if path.suffix in suffixes and path.is_file() and not CHECK.search(path.name)}


def long_files(files):
    """(lines, file) of those over the limit."""
    return [(lines, file) for file, text in files.items()
            if (lines := text.count("\n")) > MOST_FILE_LINES]


def long_functions(files):
    """(lines, file, first line, name) of those over the limit."""
    return [(one.lines, file, one.line, one.name) for file, text in files.items()
            for one in cpp_scan.functions(text) if one.lines > MOST_FUNCTION_LINES]


def room_lines(rooms, files):
    """Lines of C++ by room."""
    lines = dict.fromkeys(rooms, 0)
    for file, text in files.items():
        parts = pathlib.PurePath(file).parts
        if len(parts) > 3 and parts[2] in lines:
            lines[parts[2]] += text.count("\n")
    return lines


def wrong_ways(rooms):
    """Uses from a wing to one that it may not use."""
    return [f"{room.wing}/{room.name} uses {rooms[used].wing}/{used}" for room in rooms.values()
            for used in sorted(room.uses) if rooms[used].wing != room.wing and
            rooms[used].wing not in house.WINGS.get(room.wing, [])]


def wrong_includes(rooms, files):
    """Headers of rooms that CMake does not give to the room that includes them."""
    found = []
    for file, text in files.items():
        parts = pathlib.PurePath(file).parts
        if len(parts) < 4 or parts[2] not in rooms:
            continue
        may = house.reach(rooms, parts[2]) | {parts[2]}
        found += [f"{file} includes {used}/" for used in INCLUDE.findall(text)
                  if used in rooms and used not in may]
    return found


def strangers(rooms, folders):
    """Folders src/WING/ROOM that are no room of CMake's, or of no wing."""
    return [f"src/{wing}/{name}" for wing, name in folders
            if name not in rooms or rooms[name].wing != wing or wing not in house.WINGS]


def unlisted(found, allowed):
    """Copies for which none of the allowed ones stands. Each stands for one."""
    left, missing = list(allowed), []
    for one in found:
        match = next((entry for entry in left if {one.first, one.second} == set(entry[:2]) and
                      one.tokens <= entry[2]), None)
        if match:
            left.remove(match)
        else:
            missing.append(one)
    return missing, left


def sim_runs(files):
    """What sim_c++ finds, a line each."""
    done = subprocess.run([SIM, "-r", str(COPY_TOKENS), "-n", "-T", *files], cwd=ROOT,
                          check=True, capture_output=True, text=True)
    return [line for line in done.stdout.splitlines() if "|" in line]


class SelfCheck(unittest.TestCase):
    """That the rules can be broken, on small bad inputs."""

    def functions(self, source):
        return [(one.name, one.line, one.last_line) for one in cpp_scan.functions(source)]

    def test_functions(self):
        self.assertEqual(self.functions("int f(int a = 3)\n{\n  if (a) { return 1; }\n}\n"), [("f", 1, 4)])
        self.assertEqual(self.functions("namespace a::b {\n// }\nvoid g() {}  /* { */\n}\nint h();\n"),
                         [("g", 3, 3)])
        self.assertEqual(self.functions("template <typename T, int N = (1 > 2)>\nauto x(T t)\n"
                                        "    -> std::vector<T> {\n}\n"), [("x", 1, 4)])
        self.assertEqual(self.functions("const char* t() {\n  return R\"(}\n{ \\\")\" \"}\" ;\n}\nchar u() "
                                        "{ return '{'; }\n#define A { \\\n {\nint n = 1'000;\n"),
                         [("t", 1, 4), ("u", 5, 5)])

    def test_members(self):
        code = ("class A final : public B<int> {\n public:\n  A(int x)\n      : x_{x},\n        y_(x),\n"
                "        z_{[] { return 1; }()} {\n    go();\n  }\n  int x() const noexcept { return x_; }\n"
                "  bool operator==(const A& o) const = default;\n  A& operator=(const A& o) {\n"
                "    return *this;\n  }\n  int operator()(int q) const {\n    return q;\n  }\n"
                "  ~A() override {}\n private:\n  int x_{3};\n  std::function<int(int)> f_{};\n"
                "  enum class E { kA, kB };\n  struct In {\n    void in() {}\n  };\n};\n")
        self.assertEqual(self.functions(code),
                         [("A", 3, 8), ("x", 9, 9), ("operator=", 11, 13), ("operator(", 14, 16),
                          ("A", 17, 17), ("in", 23, 23)])
        self.assertEqual(self.functions("A::A(int b) : A(b, [](int c) { return c; }) {}\nA::~A() {\n}\n"),
                         [("A", 1, 1), ("A", 2, 3)])

    def test_lambdas(self):
        self.assertEqual(self.functions("void f() {\n  go([&](int a) {\n    b();\n  });\n}\n"), [("f", 1, 5)])
        self.assertEqual(self.functions("const auto kTable = std::array{\n  Row{1, [](int a) -> int {\n"
                                        "    return a;\n  }},\n  Row{2, g}};\nint a[] = {1, 2};\n"
                                        "constexpr auto kL = [](int x) {\n  return x;\n};\n"),
                         [("lambda near Row", 2, 4), ("lambda near kL", 7, 9)])

    def test_limits(self):
        def body(lines):
            return "void f() {\n" + "  g();\n" * (lines - 2) + "}\n"
        self.assertEqual(long_functions({"a.cc": body(70)}), [])
        self.assertEqual(long_functions({"a.cc": "\n" + body(71)}), [(71, "a.cc", 2, "f")])
        self.assertEqual(long_files({"a.cc": "\n" * 500, "b.cc": "\n" * 501}), [(501, "b.cc")])

    def rooms(self, *places, **uses):
        return {name: house.Room(name, wing, set(uses.get(name, ())))
                for wing, name in (place.split("/") for place in places)}

    def test_directions(self):
        rooms = self.rooms("ground/base", "brain/circuits", "simulator/network", "switch/ocs", "doors/cli",
                           circuits=["base"], network=["circuits"], ocs=["base"], cli=["network", "ocs"])
        self.assertEqual((wrong_ways(rooms), house.cycle(rooms)), ([], []))
        rooms["circuits"].uses.add("network")
        rooms["ocs"].uses.add("network")
        self.assertEqual(wrong_ways(rooms), ["brain/circuits uses simulator/network",
                                             "switch/ocs uses simulator/network"])
        self.assertEqual(house.cycle(rooms), ["circuits", "network"])

    def test_includes(self):
        rooms = self.rooms("ground/base", "ground/moe", "brain/circuits", moe=["base"], circuits=["moe"])
        files = {"src/ground/moe/a.h": '#include "base/x.h"\n#include "moe/y.h"\n#include <base/z.h>\n',
                 "src/brain/circuits/b.cc": '#include "base/x.h"\n',
                 "src/ground/base/c.cc": '  #  include "moe/y.h"\n'}
        self.assertEqual(wrong_includes(rooms, files), ["src/ground/base/c.cc includes moe/"])
        self.assertEqual(room_lines(rooms, files), {"base": 1, "moe": 3, "circuits": 1})

    def test_strangers(self):
        rooms = self.rooms("ground/base", "attic/box")
        self.assertEqual(strangers(rooms, [("ground", "base"), ("brain", "base"), ("ground", "new"),
                                           ("attic", "box")]),
                         ["src/brain/base", "src/ground/new", "src/attic/box"])

    def test_copies(self):
        lines = "".join(f"  total += weight[{n}] * value_of(item, {n});\n" for n in range(8))
        files = {"a.cc": f"void f() {{\n{lines}}}\n", "b.cc": f"int q;\n\nvoid g() {{\n{lines}  end();\n}}\n"}
        (one,) = [one for one in cpp_scan.copies(files, 60) if one.first != one.second]
        # The brackets of f() and g() are alike, too; their names are not.
        self.assertEqual((one.first, one.first_lines, one.second, one.second_lines),
                         ("a.cc", (1, 9), "b.cc", (3, 11)))
        renamed = {**files, "b.cc": files["b.cc"].replace("total", "sum")}
        self.assertFalse([one for one in cpp_scan.copies(renamed, 60) if one.first != one.second])
        missing, stale = unlisted([one, one], [("b.cc", "a.cc", one.tokens, "why"), ("x", "y", 99, "")])
        self.assertEqual((missing, stale), ([one], [("x", "y", 99, "")]))
        self.assertTrue(unlisted([one], [("a.cc", "b.cc", one.tokens - 1, "why")])[0])

    def test_what_cmake_says(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder).resolve()
            file = root / "house.json"
            def target(name, source, links=(), sees=(), shows=(), kind="STATIC_LIBRARY"):
                return {"name": name, "type": kind, "SOURCE_DIR": [str(root)], "SOURCES": [source],
                        "LINK_LIBRARIES": list(links), "INTERFACE_LINK_LIBRARIES": [],
                        "INCLUDE_DIRECTORIES": list(sees), "INTERFACE_INCLUDE_DIRECTORIES": list(shows)}
            file.write_text(json.dumps([
                target("mixnet_a", "src/ground/a/x.cc", ["fmt"], shows=["view/a"]),
                target("mixnet_b", "src/brain/b/y.cc", ["mixnet_a", "fmt"], sees=["view/b"], shows=["view/b"]),
                target("b_test", "src/brain/b/y_test.cc", ["mixnet_b", "c"], kind="EXECUTABLE"),
                target("c", "src/doors/c/z.cc", sees=["view/b"])]), encoding="utf-8")
            rooms = house.read(file, root)
        self.assertEqual({name: (room.wing, room.uses) for name, room in rooms.items()},
                         {"a": ("ground", set()), "b": ("brain", {"a"}), "c": ("doors", {"b"})})


class HouseTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        if not HOUSE.is_file():
            raise unittest.SkipTest(f"{HOUSE} is absent: CMake writes it")
        cls.rooms = house.read(HOUSE, ROOT)
        cls.files = sources()

    def test_rooms_stand_in_wings(self):
        folders = [path.relative_to(ROOT / "src").parts[:2] for path in sorted((ROOT / "src").glob("*/*"))
                   if path.is_dir() and path.relative_to(ROOT / "src").parts[:2] not in LEFT_OUT]
        self.assertEqual(strangers(self.rooms, folders), [])
        loose = [str(path) for path in (ROOT / "src").rglob("*.cc")
                 if len(path.relative_to(ROOT / "src").parts) < 3]
        self.assertEqual(loose, [], "files outside of any room")
        gone = [str(path) for path in (ROOT / "src").rglob("*") if path.is_dir() and path.name in GONE]
        self.assertEqual(gone, [])

    def test_directions(self):
        self.assertGreater(len(self.rooms), 5, "CMake's targets were not understood")
        self.assertEqual(wrong_ways(self.rooms), [])
        self.assertEqual(house.cycle(self.rooms), [])
        self.assertEqual(wrong_includes(self.rooms, self.files), [])

    def test_lengths(self):
        lines = room_lines(self.rooms, self.files)
        self.assertTrue(all(lines.values()), f"rooms without a line: {lines}")
        self.assertEqual({name: count for name, count in lines.items()
                          if count > MOST_ROOM_LINES and self.rooms[name].wing != "doors"}, {})
        self.assertEqual(long_functions(self.files), [])
        written = sources(WRITTEN)
        for folder in ("cmake", "scripts"):
            written.update({str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
                            for path in sorted((ROOT / folder).rglob("*")) if path.suffix in WRITTEN})
        self.assertEqual(long_files(written), [])

    @unittest.skipIf(LEFT_OUT, "the picture is of a build with all doors")
    def test_picture(self):
        picture = draw_house.PICTURE.read_text(encoding="utf-8") if draw_house.PICTURE.exists() else ""
        self.assertTrue(picture == draw_house.draw(self.rooms),
                        "docs/house.svg is not of these rooms: run scripts/draw_house.py")


class CopiesTest(unittest.TestCase):
    def test_copies(self):
        missing, stale = unlisted(cpp_scan.copies(sources(), COPY_TOKENS), ALLOWED_COPIES)
        self.assertEqual([str(one) for one in missing], [], "copies: fold them into one")
        self.assertEqual(stale, [], "allowed copies that are none any more: take them out")
        self.assertLessEqual(len(ALLOWED_COPIES), MOST_COPIES)
        self.assertTrue(all(reason for *_, reason in ALLOWED_COPIES))


def print_all():
    files = sources()
    if HOUSE.is_file():
        rooms = house.read(HOUSE, ROOT)
        for name, lines in room_lines(rooms, files).items():
            print(f"{lines:6} lines  {rooms[name].wing}/{name}, uses {' '.join(sorted(rooms[name].uses))}")
    longest = sorted(((text.count("\n"), file) for file, text in files.items()), reverse=True)
    print("\n".join(f"{lines:6} lines  {file}" for lines, file in longest[:8]))
    functions = [(one.lines, f"{file}:{one.line} {one.name}") for file, text in files.items()
                 for one in cpp_scan.functions(text)]
    print("\n".join(f"{lines:6} lines  {name}" for lines, name in sorted(functions, reverse=True)[:12]))
    print("\n".join(map(str, cpp_scan.copies(files, COPY_TOKENS))))
    if SIM:
        runs = sim_runs(files)
        print("\n".join(["sim_c++:", *runs, f"{len(runs)} runs"]))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print_all()
    else:
        unittest.main(verbosity=1)
