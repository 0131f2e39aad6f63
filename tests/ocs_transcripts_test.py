"""The emulated switch, held to what public clients and manuals say that a Polatis answers
(tests/data/switch/*.txt): each exchange is typed, and the answer compared, but for what is ours to choose:
names, clocks, serial numbers, powers."""

import pathlib
import re
import time
import unittest

from ocs_program import LOOPBACK, OcsTest, Switch

FOLDER = pathlib.Path(__file__).resolve().parent / "data" / "switch"

# What differs from switch to switch: the device's own figures, by what stands in the answer.
OWN = [(re.compile(r'"(\d+):-?\d+\.\d+"'), r'"\1:POWER"'),
       (re.compile(r'"[^",]*,[^",]*,OCS,[^",]*"'), '"TYPE"'),
       (re.compile(r"SN=\w+"), "SN=SERIAL"),
       (re.compile(r"\(-?\d+\.\d+(,-?\d+\.\d+)*\)"), "(POWERS)"),
       (re.compile(r"^[^,;]*,[^,;]*,\d+,[\d.]+$"), "IDENTITY")]


def blocks(name):
    """(number of the first line, source, commands, answer lines) of each."""
    found = []
    source, commands, answers, first = "", [], [], 0
    for number, line in enumerate((FOLDER / name).read_text(encoding="utf-8").splitlines() + [""], 1):
        if line.startswith("# source:"):
            source, first = line, number
        elif line.startswith("> "):
            commands.append(line[2:])
        elif line.startswith("< ") or line == "<":
            answers.append(line[2:])
        elif not line and source:
            found.append((first, source, commands, answers))
            source, commands, answers = "", [], []
    return found


def plain(text):
    for pattern, instead in OWN:
        text = pattern.sub(instead, text)
    return text


class Line:
    """A connection that is read until nothing more comes."""

    def __init__(self, switch, protocol):
        self.connection = switch.connect(protocol)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, text, enough):
        """What comes until enough(answer), or 3 s."""
        self.connection.sendall(text.encode())
        heard = b""
        end = time.monotonic() + 3
        while not enough(heard.decode()) and time.monotonic() < end:
            self.connection.settimeout(max(0.01, end - time.monotonic()))
            try:
                chunk = self.connection.recv(65536)
            except TimeoutError:
                break
            if not chunk:
                break
            heard += chunk
        return heard.decode()


class Tl1Transcripts(OcsTest):
    HEADER = re.compile(r"^ *\S.* \d\d-\d\d-\d\d \d\d:\d\d:\d\d$")

    def messages(self, text):
        """Each answer as its lines, header left out but checked; autonomous ones sorted last."""
        found = []
        for part in text.split("\r\n;"):
            lines = [line for line in re.split(r"\r\n|\n", part) if line.strip()]
            if not lines:
                continue
            self.assertRegex(lines[0], self.HEADER)
            found.append([plain(line.rstrip()) for line in lines[1:]])
        return sorted(found, key=lambda lines: (lines[0].startswith("M "), lines))

    def expected(self, answers):
        return self.messages("\r\n".join(line.replace(r"\r\n\n", "").replace('\\"', '\\"')
                                         for line in answers).replace("\r\n;", "\r\n;"))

    def prepare(self, line, commands, answers):
        """A login, and the patches that the transcript's answer shows."""
        denied = any("Not logged in" in answer for answer in answers)
        if not denied and (not commands[0].upper().startswith("ACT-USER") or
                           any("Already" in answer for answer in answers)):
            user = "admin" if commands[0].startswith("ACT-USER::admin") else "root"
            line.ask(f"ACT-USER::{user}:1::{user};", lambda heard: ";" in heard)
            if not any("REPT" in answer for answer in answers):
                line.ask("OPR-ARC-EQPT::REPMGR:9::IND;", lambda heard: ";" in heard)
        if commands[0].startswith("RTRV-PORT-SHUTTER") and any("CLOSED" in answer for answer in answers):
            line.ask("OPR-PORT-SHUTTER::1:9:;", lambda heard: ";" in heard)
        if commands[0].startswith("RTRV-PATCH"):
            rows = re.findall(r'"(\d+),(\d+)"', "\n".join(answers))
            for one, other in rows:
                line.ask(f"ENT-PATCH::{one},{other}:9:;", lambda heard: ";" in heard)
        if commands[0].startswith("RTRV-ARC-EQPT::REPMGR"):
            line.ask("OPR-ARC-EQPT::REPMGR:9::IND;", lambda heard: ";" in heard)

    def test_every_exchange(self):
        done = 0
        for first, source, commands, answers in blocks("tl1_polatis.txt"):
            if not commands or not answers:
                continue
            ports = 2 if self.is_small(answers) else 8 if commands[0].startswith("ENT-PATCH::1,9:") else 16
            with self.subTest(f"tl1_polatis.txt:{first}: {commands[0]}"):
                with Switch("--ports", ports, "--sides", "two", "--timing", "none", "--tl1", LOOPBACK, "--tl1-user",
                            "root:root", "--tl1-user", "admin:admin" if "Already" not in str(answers)
                            else "admin:root") as switch, Line(switch, "tl1") as line:
                    if "Already" in str(answers):
                        line.ask("ACT-USER::admin:1::root;", lambda heard: ";" in heard)
                    else:
                        self.prepare(line, commands, answers)
                    wanted = self.expected(answers)
                    heard = line.ask("".join(commands),
                                     lambda text, count=len(wanted): text.count("\r\n;") >= count)
                    got = self.messages(heard)
                    if "no words known" in source or not any("/*" in line for line in answers):
                        got = [[line for line in lines if "/*" not in line] for lines in got]
                    if "PMON" in commands[0] and "CONFIG" in commands[0]:  # of one port of many
                        self.assertLessEqual(set(wanted[0]), set(got[0]), source)
                    else:
                        self.assertEqual(got, wanted, source)
                done += 1
        self.assertGreater(done, 50)

    @staticmethod
    def is_small(answers):
        return [line.strip() for line in answers[3:7]] == [f'"{port}:OPEN"' for port in range(1, 5)]


class ScpiTranscripts(OcsTest):
    def test_every_exchange(self):
        done = 0
        for first, source, commands, answers in blocks("scpi_polatis.txt"):
            if not commands or "netw" in commands[0]:  # the network settings of a real one
                continue
            with self.subTest(f"scpi_polatis.txt:{first}: {commands[0]}"):
                text = "".join(commands).encode().decode("unicode_escape")
                ports = 192 if "193" in text else 24 if re.search(r"@(14|15|38)", text) else 16
                with Switch("--ports", ports, "--sides", "two", "--timing", "none", "--scpi", LOOPBACK,
                            *(["--fault", "stuck@idle port=6"] if "F" in str(answers) else [])) as switch, \
                        Line(switch, "scpi") as line:
                    line.ask(self.before(commands, answers), lambda heard: "1" in heard)
                    wanted = "".join(answers).replace(r"\r\n", "\r\n")
                    identities = 1 + text.count("*idn?")  # ours ends the answers
                    heard = line.ask(text + "*wai;*idn?\n",
                                     lambda heard, count=identities: len(re.findall(r"EMU-.*\r\n", heard)) >= count)
                    lines = heard.split("\r\n")
                    self.assertIn("EMU-", lines[-2])
                    self.assertEqual([plain(each) for each in lines[:-2]],
                                     [plain(each) for each in wanted.split("\r\n")[:-1]], source)
                done += 1
        self.assertGreater(done, 18)

    @staticmethod
    def before(commands, answers):
        """What stood when the transcript was taken."""
        made = ""
        if len(commands) == 1 and commands[0].startswith(":oxc:swit:conn:stat") and "(@1" in str(answers):
            made = ":oxc:swit:conn:add (@1,2,3),(@19,18,22)\n"
        if "PORT? 2" in commands[0].upper():
            made = ":oxc:swit:conn:add (@2),(@18)\n"
        if commands[0].startswith(":oxc:swit:port:stat"):
            made = ":oxc:swit:port:dis (@2)\n"
        return made + "*opc?\n"


if __name__ == "__main__":
    unittest.main()
