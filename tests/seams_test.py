"""The seam to clocks, sleep, files and terminal: only base/env.cc may go past base/env.h.

Whatever else calls the system about them cannot be driven by a test, and lies about faults.
"""

import pathlib
import re
import unittest

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"

# What goes past the seam, and what to use in its place.
BANNED = {
    r"_clock::now\b": "Env::monotonic_now() or wall_now()",
    r"\b(?:clock_gettime|gettimeofday|std::time)\s*\(": "Env::monotonic_now() or wall_now()",
    r"\bthis_thread::sleep_": "Env::sleep_until()",
    r"\b(?:u|nano)sleep\s*\(": "Env::sleep_until()",
    r"\b(?:isatty|ioctl)\s*\(": "Env::is_terminal() or terminal_width()",
    r"\bstd::(?:cout|cerr|clog)\b": "Env::print()",
    r"\b(?:stdout|stderr)\b(?!_)": "Env::print()",
    r"\bprintf\s*\(|\bputs\s*\(|\bfmt::print\s*\(": "Env::print()",
    r"\b(?:i|o)?fstream\b": "text_file.h",
    r"\bf(?:open|write|read|puts|printf)\s*\(": "text_file.h",
    r"(?<![\w.>])::(?:open|creat|rename|unlink|truncate|f?sync|access|stat|mkdir)\s*\(": "Env",
    r"\bf(?:sync|datasync|truncate|lock)\s*\(": "Env",
    r"\b(?:fs|filesystem)::(?:exists|is_\w+|status|file_size|rename|remove|remove_all|copy\w*|"
    r"create_\w+|resize_file|\w*directory_iterator|canonical|weakly_canonical|last_write_time)\b":
        "Env",
}

# Where they may stand, with the reason.
ALLOWED = {
    "base/env.cc": (".*", "the system's Env itself"),
    "cli/main.cc": (r"stderr|fmt::print", "the program's last words, before it becomes another"),
    "shell/run_program.cc": (r"stdout|stderr|fmt::print",
                             "a program's last words, when anything may have failed before"),
    "cabling/nic_agent.cc": (r"ioctl", "of network interfaces"),
    "daemon/credentials.cc": (r"::open", "whose file it is, and its mode, of the very file read"),
    "mixnetd/run_daemon.cc": (r"::open", "of the standard three, those that came closed"),
    "ocs_ctl/cabling_commands.cc": (r"std::cout", "the agent's side of a dialogue by pipe"),
}
SELDOM = re.compile(r"_(?:test|bench|fuzz)\.cc$|/test_[a-z_]+\.(?:h|cc)$")  # in no program

COMMENT_OR_TEXT = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)


def bare(text):
    """`text` without comments, texts and includes; line breaks stay."""
    text = COMMENT_OR_TEXT.sub(lambda match: "\n" * match.group().count("\n"), text)
    return re.sub(r"^\s*#include[^\n]*", "", text, flags=re.MULTILINE)


def breaches(name, text):
    """["name:line: what; use this"] of a file's text. `name` is its path."""
    found = []
    allowed = [what for ending, (what, _) in ALLOWED.items() if name.endswith("/" + ending)]
    text = bare(text)
    for pattern, instead in BANNED.items():
        for match in re.finditer(pattern, text):
            if not any(re.search(what, match.group()) for what in allowed):
                number = text.count("\n", 0, match.start()) + 1
                found.append(f"{name}:{number}: {match.group().strip()}; use {instead}")
    return found


class SeamsTest(unittest.TestCase):
    def test_nothing_goes_past_the_seam(self):
        files = [path for path in sorted(SOURCE.rglob("*")) if path.suffix in (".h", ".cc")]
        self.assertGreater(len(files), 100)
        found = []
        for path in files:
            name = str(path)
            if not SELDOM.search(name):
                found += breaches(name, path.read_text(encoding="utf-8"))
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_what_is_allowed_is_still_needed(self):
        for ending in ALLOWED:
            paths = [path for path in SOURCE.rglob("*.cc") if str(path).endswith("/" + ending)]
            self.assertEqual(len(paths), 1, f"{ending}: of this name there are {paths}")
            text = paths[0].read_text(encoding="utf-8")
            self.assertTrue(breaches("src/another/name.cc", text), f"{ending} needs no leave")

    def test_a_breach_is_found(self):
        for line in ("auto t = std::chrono::steady_clock::now();", "std::ofstream f(path);",
                     "if (::isatty(2)) {", "::rename(a, b);", "fs::rename(a, b);",
                     "std::this_thread::sleep_for(x);", "std::filesystem::exists(p)",
                     "fmt::print(stderr, x);", "for (fs::directory_iterator i(p);;) {",
                     "std::time(nullptr)", "std::ifstream file(path)", "::flock(fd, LOCK_EX)"):
            self.assertTrue(breaches("src/sim/x.cc", "int a;\n" + line), line)
        for line in ("// std::ofstream", 'x = "std::ofstream";', "/* a\n::isatty(2) */",
                     "#include <fstream>", "env.rename(a, b)", "env->sleep_until(then)",
                     "link.time()", "answers_on_stdout(json)", "stdout_is_terminal()",
                     "env.read(path, limit, content)"):
            self.assertEqual(breaches("src/sim/x.cc", line), [], line)


if __name__ == "__main__":
    unittest.main(verbosity=1)
