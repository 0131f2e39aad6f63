"""mixnet-ocs and mixnet ocs as their users meet them: a session typed as in public manuals, by a script
that shares no code with the drivers; circuits by hand over each protocol; restarts; wrong input."""

import re
import signal
import socket
import subprocess
import time
import unittest

import program
from ocs_program import LOOPBACK, MIXNET, OCS, OcsTest, Switch, ocs, ocs_json


class Typed:
    """Somebody at a terminal: types, and reads up to the `;` of so many answers."""

    def __init__(self, switch):
        self.connection = switch.connect("tl1")
        self.heard = b""

    def close(self):
        self.connection.close()

    def type(self, text):
        self.connection.sendall(text.encode())

    def read(self, answers=1):
        got = []
        while len(got) < answers:
            end = self.heard.find(b"\r\n;")
            if end < 0:
                chunk = self.connection.recv(4096)
                if not chunk:
                    raise AssertionError(f"closed after {self.heard!r}")
                self.heard += chunk
                continue
            got.append(self.heard[:end].decode())
            self.heard = self.heard[end + 3:]
        return got

    def ask(self, text):
        self.type(text)
        return self.read()[0]


HEADER = re.compile(r"^\s*\S.* \d\d-\d\d-\d\d \d\d:\d\d:\d\d$")


class Tl1Test(OcsTest):
    """Commands and answers are those of tests/data/switch/tl1_polatis.txt, typed anew."""

    def setUp(self):
        super().setUp()
        self.switch = Switch("--ports", 16, "--sides", "two", "--timing", "fixed:20ms", "--tl1", LOOPBACK,
                             "--control", LOOPBACK)
        self.addCleanup(self.switch.stop)
        self.typed = Typed(self.switch)
        self.addCleanup(self.typed.close)

    def expect(self, text, tag, verdict, *lines):
        answer = self.typed.ask(text)
        rows = [line for line in answer.split("\r\n") if line.strip()]
        self.assertRegex(rows[0], HEADER)
        self.assertEqual(rows[1], f"M  {tag} {verdict}", answer)
        self.assertEqual([row.strip() for row in rows[2:]], list(lines), answer)

    def test_a_session(self):
        self.expect("RTRV-PATCH:::1:;", 1, "DENY", "PLNA", "/* Not logged in */")
        self.expect("ACT-USER::root:2::wrong;", 2, "DENY", "PICC")
        self.expect("act-user::root:3::root;", 3, "COMPLD")
        self.expect("RTRV-EQPT::SYSTEM:4:::PARAMETER=SIZE;", 4, "COMPLD", '"SYSTEM:SIZE=16x16"')
        self.expect("RTRV-PATCH:::5:;", 5, "COMPLD")
        start = time.monotonic()
        self.expect("ENT-PATCH::11,28:6:;", 6, "COMPLD")
        self.assertGreaterEqual(time.monotonic() - start, 0.02)
        self.expect("ENT-PATCH::1&2&3,17&18&19:7:;", 7, "COMPLD")
        self.expect("RTRV-PATCH:::8:;", 8, "COMPLD", '"1,17"', '"2,18"', '"3,19"', '"11,28"')
        self.expect("RTRV-PATCH::11&4&10:9:;", 9, "COMPLD", '"11,28"')
        # On a port that is in use it replaces.
        self.expect("ENT-PATCH::4,28:10:;", 10, "COMPLD")
        self.expect("RTRV-PATCH::4&11:11:;", 11, "COMPLD", '"4,28"')
        self.expect("ENT-PATCH::1000,17:12:;", 12, "DENY", "IDNV", "/* Invalid OXC port: 1000 */")
        self.expect("ENT-PATCH::,:13:;", 13, "DENY", "IIAC", "/* Empty parameters */")
        self.expect("OPR-ARC-EQPT::REPMGR:14::IND;", 14, "COMPLD")  # no events between
        self.expect("OPR-PORT-SHUTTER::5:14:;", 14, "COMPLD")
        self.expect("RTRV-PORT-SHUTTER::5&&6:15:;", 15, "COMPLD", '"5:CLOSED"', '"6:OPEN"')
        self.expect("RLS-PORT-SHUTTER::1&&32:16:;", 16, "COMPLD")
        answer = self.typed.ask("RTRV-PORT-POWER::1&&2:17:;")
        self.assertEqual(len(re.findall(r'"\d+:-?\d+\.\d\d"', answer)), 2, answer)
        self.expect("ED-EQPT::TIMEOUT:18:::ADMIN=60;", 18, "COMPLD")
        self.expect("ED-EQPT::TIMEOUT:19:::ADMIN=61;", 19, "DENY", "IPNV", "/* Parameter not valid */")
        self.expect("DLT-PATCH::1:20:;", 20, "COMPLD")
        self.expect("DLT-PATCH::ALL:21:;", 21, "COMPLD")
        self.expect("RTRV-PATCH:::22:;", 22, "COMPLD")
        self.expect("NO-SUCH-VERB:::23:;", 23, "DENY", "ICNV")
        self.expect("CANC-USER::root:24:;", 24, "COMPLD")

    def test_pipelined_commands_move_together_and_alarms_come_between(self):
        self.typed.ask("ACT-USER::root:1::root;")
        start = time.monotonic()
        self.typed.type("".join(f"ENT-PATCH::{n},{16 + n}:{n}:;" for n in range(1, 13)))
        self.switch.control("fault alarm@idle port=3")
        answers = self.typed.read(13)
        self.assertLess(time.monotonic() - start, 0.2 * program.SLOWDOWN)
        tags = [re.search(r"M  (\d+) COMPLD", answer) for answer in answers]
        self.assertEqual(sorted(int(tag[1]) for tag in tags if tag), list(range(1, 13)))
        alarm = [answer for answer, tag in zip(answers, tags) if not tag]
        self.assertRegex(alarm[0], r"\n(\*C|\*\*|\*\^|A )\s*\d+ REPT (ALM|EVT)")


class ByHandTest(OcsTest):
    def test_every_protocol_speaks_of_one_state(self):
        with Switch("--ports", 32, "--timing", "none", "--tl1", LOOPBACK, "--scpi", LOOPBACK, "--gnmi",
                    LOOPBACK) as switch:
            for number, protocol in enumerate(("tl1", "scpi", "gnmi")):
                url = switch.url(protocol)
                pair = f"{1 + number}-{17 + number}"
                status, out, err = ocs("connect", pair, "--switch", url)
                self.assertEqual((status, out.splitlines()[0], err), (0, f"{pair} connected", ""))
            for protocol in ("tl1", "scpi", "gnmi"):
                shown = ocs_json("show", "--switch", switch.url(protocol))
                self.assertEqual(shown["circuits"], [[1, 17], [2, 18], [3, 19]], protocol)
                self.assertEqual((shown["ports"], shown["halves"], shown["taken"]), (32, [], []))
            status, out, _ = ocs("connect", "1-18", "--switch", switch.url())
            self.assertEqual(status, 3)
            self.assertIn("in use", out)
            status, out, _ = ocs("connect", "1-18", "--replace", "--switch", switch.url("gnmi"))
            self.assertEqual(status, 0, out)
            status, out, _ = ocs("disconnect", "1", "3-19", "9", "--switch", switch.url("scpi"))
            self.assertEqual(status, 0, out)
            self.assertIn("9 was not connected", out)
            self.assertEqual(ocs_json("show", "--switch", switch.url())["circuits"], [])
            power = ocs_json("power", "1-3", "--switch", switch.url())
            self.assertEqual([port["port"] for port in power], [1, 2, 3])
            self.assertTrue(all(-1 < port["input_dbm"] < 1 for port in power), power)

    def test_watch_tells_alarms_and_losses(self):
        with Switch("--ports", 8, "--timing", "none", "--tl1", LOOPBACK, "--control", LOOPBACK) as switch:
            watch = subprocess.Popen([MIXNET, "ocs", "watch", "--switch", switch.url()],
                                     stdout=subprocess.PIPE, text=True)
            try:
                self.assertIn("watching", watch.stdout.readline())
                time.sleep(0.3 * program.SLOWDOWN)
                switch.control("fault dark@idle port=5")
                self.assertRegex(watch.stdout.readline(), r"Z major: port 5: .*no light enters")
                switch.stop(signal.SIGKILL)
                self.assertIn("closed the connection", watch.stdout.readline())
            finally:
                watch.kill()
                watch.communicate()

    def test_nobody_there(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        status, out, err = ocs("show", "--switch", f"tl1://127.0.0.1:{port}")
        self.assertEqual((status, out), (2, ""))
        self.assertRegex(err, r"^mixnet ocs: tl1://127\.0\.0\.1:\d+: cannot connect \(.*\n$")


class RestartTest(OcsTest):
    def test_circuits_outlast_a_restart_and_a_kill(self):
        flags = ["--ports", 16, "--timing", "fixed:5ms", "--tl1", LOOPBACK, "--control", LOOPBACK, "--state",
                 "state.json"]
        with Switch(*flags) as switch:
            self.assertEqual(ocs("connect", "1-9", "2-10", "--switch", switch.url())[0], 0)
        with Switch(*flags) as switch:
            self.assertEqual(ocs_json("show", "--switch", switch.url())["circuits"], [[1, 9], [2, 10]])
            self.assertEqual(ocs("disconnect", "1", "--switch", switch.url())[0], 0)
            switch.control("label 2 gpu-0:eth2")
            switch.control("fault stuck@idle port=7")
            switch.stop(signal.SIGKILL)
        with Switch(*flags) as switch:
            self.assertEqual(ocs_json("show", "--switch", switch.url())["circuits"], [[2, 10]])
            ports = [line.split(" ") for line in switch.control("ports")]
            self.assertEqual(ports[1][9], "gpu-0:eth2")
            self.assertEqual(ports[6][1], "failed")
            self.assertEqual(ports[1][5], "1")  # moved once

    def test_a_damaged_state_is_refused_and_left(self):
        for text in ("{", "[]", '{"version": 99}', '{"version": 1}'):
            with open("damaged.json", "w", encoding="utf-8") as file:
                file.write(text)
            done = subprocess.run([OCS, "--tl1", LOOPBACK, "--state", "damaged.json"], capture_output=True,
                                  text=True, timeout=20 * program.SLOWDOWN, check=False)
            self.assertEqual(done.returncode, 2, text)
            self.assertRegex(done.stderr, r"^mixnet-ocs: damaged\.json.*\n$")
            with open("damaged.json", encoding="utf-8") as file:
                self.assertEqual(file.read(), text)


class BadInputTest(OcsTest):
    def refusal(self, *words):
        done = subprocess.run([OCS, *[str(word) for word in words]], capture_output=True, text=True,
                              timeout=20 * program.SLOWDOWN, check=False)
        self.assertEqual(done.returncode, 2, (words, done.stdout, done.stderr))
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("mixnet-ocs: "), done.stderr)
        return done.stderr

    def test_flags(self):
        self.assertIn("1 to 1024", self.refusal("--ports", 0))
        self.assertIn("1 to 1024", self.refusal("--ports", 1025))
        self.assertIn("--timing", self.refusal("--timing", "fixed:25"))
        self.assertIn("--sides", self.refusal("--sides", "three"))
        self.assertIn("--tl1", self.refusal("--tl1", "localhost:3082"))
        self.assertIn("--tl1", self.refusal("--tl1", "127.0.0.1:99999"))
        self.assertIn("cannot be listened to", self.refusal("--tl1", "192.0.2.1:3082"))
        self.assertIn("loopback", self.refusal("--tl1", LOOPBACK, "--control", "0.0.0.0:0"))
        self.assertIn("--gnmi", self.refusal("--gnmi", "0.0.0.0:0"))
        self.assertIn("NAME:PASSWORD", self.refusal("--tl1-user", "root"))
        self.assertIn("--fault", self.refusal("--fault", "deny@answered"))
        self.assertIn("no such interface", self.refusal("--tl1", LOOPBACK, "--attach", "nosuchdev=1").lower())
        self.assertIn("INTERFACE=POSITION", self.refusal("--attach", "lo"))
        self.assertIn("needs a value", self.refusal("--ports"))
        self.assertIn("not a whole number", self.refusal("--seed", "-1"))
        self.assertIn("is empty", self.refusal("--state", ""))
        self.assertIn("there is no TLS", self.refusal("--gnmi", LOOPBACK, "--ca", "clients.pem"))
        self.assertIn("gNMI's", self.refusal("--tl1", LOOPBACK, "--cert", "ocs.pem", "--key", "ocs.key"))
        self.assertIn("named twice", self.refusal("--tl1-user", "a:b", "--tl1-user", "a:c"))

    def test_config_file(self):
        for text, problem in (("port: 3", "there is no key 'port'"), ("ports: many", "no such number"),
                              ("timing: soon", "timing"), ("positions: {40: {}}", "no position '40'"),
                              ("positions: {1: {in-loss-db: -3}}", "no such number"),
                              ("positions: {1: {label: " + 256 * "x" + "}}", "too long"),
                              ("faults: [deny]", "config.yaml:1:10"), ("a: [", "config.yaml:")):
            with open("config.yaml", "w", encoding="utf-8") as file:
                file.write(text)
            self.assertIn(problem, self.refusal("--config", "config.yaml"))

    def test_two_of_it_at_once(self):
        with Switch("--tl1", LOOPBACK) as switch:
            self.assertIn("cannot be listened to", self.refusal("--tl1", switch.at["tl1"]))

    def test_who_reads_its_alarms_may_end(self):
        with Switch("--tl1", LOOPBACK, "--control", LOOPBACK) as switch:
            switch.process.stderr.close()
            switch.process.stderr = None
            for _ in range(2):
                switch.control("fault alarm@idle")
            self.assertEqual(ocs("show", "--switch", switch.url())[0], 0)

    def test_labels_that_are_too_long_to_be_saved(self):
        with Switch("--tl1", LOOPBACK, "--control", LOOPBACK, "--state", "state.json") as switch:
            switch.control("label 3 " + 255 * "x")
            with self.assertRaisesRegex(AssertionError, "too long"):
                switch.control("label 3 " + 256 * "x")
        with Switch("--tl1", LOOPBACK, "--control", LOOPBACK, "--state", "state.json") as switch:
            self.assertTrue(switch.control("ports")[2].endswith(" " + 255 * "x"))

    def test_only_what_is_ours_is_disconnected(self):
        with Switch("--tl1", LOOPBACK, "--ports", 32) as switch:
            self.assertEqual(ocs("connect", "1-17", "--switch", switch.url())[0], 0)
            status, _, err = ocs("disconnect", "999", "--switch", switch.url())
            self.assertEqual(status, 2)
            self.assertIn("ports are 1 to 32", err)
            status, _, err = ocs("disconnect", "20", "--switch", switch.url(), "--ports", "1-10")
            self.assertEqual(status, 2)
            self.assertIn("not in the slice", err)
            status, out, _ = ocs("disconnect", "1", "5", "--switch", switch.url(), "--ports", "1-10")
            self.assertEqual((status, out), (3, "1 leads out of the slice: left alone\n5 was not connected\n"))
            self.assertEqual(ocs_json("show", "--switch", switch.url())["circuits"], [[1, 17]])

    def test_users_can_be_changed(self):
        with Switch("--tl1", LOOPBACK, "--gnmi", LOOPBACK, "--tl1-user", "op:secret", "--gnmi-user",
                    "op:secret") as switch:
            for protocol in ("tl1", "gnmi"):
                plain = switch.url(protocol)
                self.assertEqual(ocs("show", "--switch", plain)[0], 2)
                known = plain.replace("://", "://op:secret@")
                self.assertEqual(ocs("show", "--switch", known)[0], 0)

    def test_ctl(self):
        for words, problem in ((["show", "--switch", "ocs"], "no address of a switch"),
                               (["connect", "1", "--switch", "tl1://h"], "no circuit"),
                               (["connect", "1-1", "--switch", "tl1://127.0.0.1"], "mixnet ocs: "),
                               (["show", "--ports", "9-1"], "names no ports"),
                               (["show", "--limit", "5"], "--limit"),
                               (["verify-cabling"], "--config"),
                               (["verify-cabling", "--config", "none.yaml"], "none.yaml")):
            status, _, err = ocs(*words)
            self.assertEqual(status, 2, words)
            self.assertIn(problem, err)
            self.assertEqual(err.count("\n"), 1, err)


if __name__ == "__main__":
    unittest.main()
