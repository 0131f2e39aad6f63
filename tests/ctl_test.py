"""mixnet ctl over a real daemon and an emulated switch: each command, its --json, its exit status; and
`mixnet ctl demo`, of which nothing is left."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import program
from daemon_program import CTL, DAEMON, Daemon, ctl, region_file, start
from ocs_program import MIXNET, die_with_parent

TENANT = ["tenant", "add", 17, "gpu-[0-3]"]


def demand(servers=4, heavy=((0, 1),)):
    """A demand file's text: a little between all, much between some."""
    rows = [[0 if a == b else 1_000_000 for b in range(servers)] for a in range(servers)]
    for a, b in heavy:
        rows[a][b] = rows[b][a] = 900_000_000
    return "\n".join(",".join(map(str, row)) for row in rows) + "\n"


def wait_for(what, seconds=10):
    """What `what` gives, once that is something."""
    end = time.monotonic() + seconds * program.SLOWDOWN
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError("it has not come")
        time.sleep(0.05)


class RegionTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.switch, self.daemon = start(self)

    def test_an_empty_region(self):
        text = self.daemon.ctl("status")
        self.assertRegex(text, r"^row on tl1://127\.0\.0\.1:\d+: ready, up since 20\d\d-.*, record \d+\n")
        self.assertIn("8 servers, 4 optical NICs each; 0 circuits lit, 0 pins, 0 ports suspect, 0 failed", text)
        self.assertNotIn("root", text)
        status = self.daemon.json("status")
        self.assertEqual([server["server"] for server in status["servers"]], [f"gpu-{n}" for n in range(8)])
        self.assertTrue(status["ready"])
        self.assertEqual((status["lit"], status["pins"], [one["tenant"] for one in status["tenants"]]), ([], [], [0]))
        self.assertIn("no tenant", self.daemon.ctl("topology"))
        self.assertEqual(self.daemon.json("topology"), [])
        self.assertEqual(self.daemon.ctl("tenant", "list"), "no tenant\n")
        self.assertEqual(self.daemon.ctl("health"), "ready\n")
        self.assertEqual(self.daemon.json("health"), {"ready": True, "why": ""})

    def test_a_job_comes_and_goes(self):
        self.assertEqual(self.daemon.ctl(*TENANT), "tenant 17 has gpu-0 gpu-1 gpu-2 gpu-3\n")
        self.assertEqual(self.daemon.ctl(*TENANT), "tenant 17 has gpu-0 gpu-1 gpu-2 gpu-3\n")  # once more: the same
        listed = self.daemon.json("tenant", "list")
        self.assertEqual([(one["tenant"], one["servers"]) for one in listed], [(17, [f"gpu-{n}" for n in range(4)])])
        refused = self.daemon.json("tenant", "add", 18, "gpu-[3-4]", status=1)[0]["refused"]
        self.assertEqual([(alarm["code"], alarm["subject"]) for alarm in refused], [("tenant-refused", 3)])
        self.assertRegex(self.daemon.ctl("tenant", "add", 18, "gpu-3,gpu-4", status=1), "refused: tenant-refused: gpu-3 is")
        self.daemon.ctl("tenant", "add", 18, "gpu-4", "gpu-5")
        self.daemon.ctl("tenant", "remove", 17, "--wait")
        self.assertEqual([one["tenant"] for one in self.daemon.json("tenant", "list")], [18])
        self.assertEqual(self.daemon.ctl("tenant", "remove", 17), "there is no tenant 17\n")  # an epilog that runs twice

    def test_a_dry_run_moves_nothing(self):
        self.daemon.ctl(*TENANT)
        path = self.file("demand.csv", demand())
        reply = self.daemon.json("plan", "--dry-run", "--demand", path)
        joined = [{pair[end]["name"].split(":")[0] for end in "ab"} for pair in reply["connect"]]
        self.assertIn({"gpu-0", "gpu-1"}, joined)
        self.assertEqual(reply["ports_moved"], 2 * len(reply["connect"]))
        text = self.daemon.ctl("plan", "--dry-run", "--demand", path, "--tenant", 17)
        self.assertRegex(text, r"connect    gpu-0:optical\d \(\d\) - gpu-\d:optical\d \(\d+\)\n")
        self.assertTrue(text.endswith("Nothing was changed.\n"), text)
        self.assertEqual(self.daemon.json("status")["lit"], [])

    def test_pins_drains_and_holds(self):
        self.assertEqual(self.daemon.ctl("pin", "1-5"),
                         "gpu-0:optical0 (1) - gpu-1:optical0 (5) is pinned: it stays lit\n")
        self.daemon.ctl(*TENANT)
        lit = wait_for(lambda: self.daemon.json("status")["lit"])
        self.assertEqual([(pair["a"]["position"], pair["b"]["position"]) for pair in lit], [(1, 5)])
        said = self.daemon.json("topology", "--tenant", 17)[0]
        self.assertEqual([(one["a"]["server"], one["b"]["server"]) for one in said["circuits"]], [("gpu-0", "gpu-1")])
        text = self.daemon.ctl("topology")
        self.assertIn("tenant 17: 1 circuit on 4 servers", text)
        self.assertIn("  gpu-1  1\n", text)  # the picture
        self.assertIn("  gpu-0:optical0 (1) - gpu-1:optical0 (5)\n", text)
        self.assertEqual(self.daemon.ctl("unpin", "2-6"),
                         "gpu-0:optical1 (2) - gpu-1:optical1 (6) was not pinned\n")
        refused = self.daemon.json("pin", "5-9", status=1)[0]["refused"]
        self.assertEqual(refused[0]["code"], "pin-refused")
        self.daemon.ctl("hold")
        self.assertTrue(self.daemon.json("status")["held"])
        self.daemon.ctl("drain", "gpu-0", "--wait", "--limit", "500ms", status=1)  # as nothing may be commanded
        self.assertIn("held: nothing is commanded", self.daemon.ctl("status"))
        self.daemon.ctl("unpin", "5-1")
        self.daemon.ctl("release")
        self.daemon.ctl("drain", "gpu-0", "--wait")
        status = self.daemon.json("status")
        self.assertEqual((status["lit"], status["pins"], status["held"]), ([], [], False))
        self.assertTrue(status["servers"][0]["drained"])
        self.daemon.ctl("undrain", "gpu-[0-1]")
        self.assertFalse(self.daemon.json("status")["servers"][0]["drained"])

    def test_a_pin_of_two_tenants_is_told_to_be_dark(self):
        self.daemon.ctl(*TENANT)
        why = "gpu-0 is of tenant 17, gpu-4 of the pool"
        pair = "gpu-0:optical0 (1) - gpu-4:optical0 (17)"
        self.assertEqual(self.daemon.ctl("pin", "1-17"), f"{pair} is pinned, but stays as it is, lit or dark, "
                         f"until its servers are of one tenant: {why}\n")
        self.assertIn(f"pinned: {pair}, dark: {why}\n", self.daemon.ctl("status"))

    def test_what_happens_is_seen_live_and_later(self):
        watch = subprocess.Popen([CTL, "watch", "--controller", self.daemon.api, "--json", "-"], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.addCleanup(watch.communicate)
        self.addCleanup(watch.kill)
        time.sleep(0.5)
        self.daemon.ctl(*TENANT)
        self.daemon.ctl("tenant", "add", 18, "gpu-0", status=1)
        kinds = set()
        while not {"topology", "alarm", "audit"} <= kinds:
            line = watch.stdout.readline()
            self.assertTrue(line, watch.stderr)
            kinds.add(json.loads(line)["kind"])
        alarms = self.daemon.json("alarms", "-n", 1)
        self.assertEqual([(one["kind"], one["code"], one["tenant"]) for one in alarms], [("alarm", "tenant-refused", 18)])
        self.assertRegex(self.daemon.ctl("alarms"), r"^\S+Z alarm minor tenant-refused tenant 18")
        self.assertRegex(self.daemon.ctl("audit"), "AddTenant|tenant 17")
        self.assertEqual(len(self.daemon.json("audit", "-n", 1)), 1)
        status, out, err = ctl("watch", "-n", 1, "--controller", self.daemon.api)  # the topology that is there
        self.assertEqual((status, err), (0, ""), err)
        self.assertIn("topology tenant 17", out)

    def test_a_watch_ends_with_its_daemon(self):
        watch = subprocess.Popen([CTL, "watch", "--controller", self.daemon.api], text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.addCleanup(watch.kill)
        time.sleep(0.5)
        self.assertEqual(self.daemon.stop(), 0)
        _, err = watch.communicate(timeout=20 * program.SLOWDOWN)
        self.assertEqual(watch.returncode, 2, err)
        self.assertRegex(err, r"^mixnet ctl: 127\.0\.0\.1:\d+: ")

    def test_a_watch_notices_that_its_daemon_is_gone_without_a_word(self):
        self.daemon.ctl(*TENANT)
        watch = subprocess.Popen([CTL, "watch", "--tenant", "17", "--controller", self.daemon.api], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
        self.addCleanup(watch.kill)
        time.sleep(0.5)
        self.daemon.process.send_signal(signal.SIGSTOP)
        self.addCleanup(self.daemon.process.send_signal, signal.SIGCONT)
        _, err = watch.communicate(timeout=30 * program.SLOWDOWN)
        self.assertEqual(watch.returncode, 2, err)

    def test_a_report_without_secrets(self):
        path = self.folder / "report.txt"
        self.assertEqual(self.daemon.ctl("bugreport", "-o", path), "")
        text = path.read_text(encoding="utf-8")
        self.assertIn("== settings\n", text)
        self.assertNotRegex(text, r"root:root|password: \S")
        self.assertTrue(self.daemon.ctl("bugreport"))

    def test_wrong_names(self):
        for words, line in ((["drain", "gpu_3"], "SERVER: there is no server 'gpu_3'; did you mean 'gpu-3'? known: gpu-0, "),
                            (["tenant", "add", 1, "gpu-[0-9]"], "SERVER: there is no server 'gpu-8'; did you mean"),
                            (["tenant", "add", 0, "gpu-0"], None),
                            (["pin", "1-99"], "PAIR: no NIC of the region is at position 99; "),
                            (["topology", "--tenant", 5], "--tenant: there is no tenant 5; "),
                            (["plan", "--dry-run", "--demand", self.file("d", demand())], "--tenant: there is none; ")):
            with self.subTest(words):
                status, out, err = ctl(*words, "--controller", self.daemon.api)
                self.assertEqual((status, out, err.count("\n")), (2 if line else 1, "", 1), err)
                self.assertTrue(err.startswith(f"mixnet ctl: {line or ''}"), err)
        self.daemon.ctl(*TENANT)
        status, _, err = ctl("plan", "--dry-run", "--demand", self.file("d", demand(3)), "--controller", self.daemon.api)
        self.assertEqual(status, 2, err)
        self.assertIn("is of 3 servers; tenant 17 has 4", err)


class DaemonTest(program.ProgramTest):
    """mixnetd itself, under a shell that does not care for it."""

    def config(self, url="tl1://127.0.0.1:1", store="store"):
        return self.file("region.yaml", region_file(url, 2, 1).replace("store: store", f"store: {store}"))

    def test_who_observes_has_a_store_beside_the_acting_ones(self):
        for store in ("pod", "pod/", "x/../pod//"):
            done = subprocess.run([DAEMON, "--config", self.config(store=store), "--observe", "--check"],
                                  capture_output=True, text=True, check=True)
            self.assertIn(f"store {self.folder / 'pod-observe'}\n", done.stdout)

    def test_closed_files_are_not_taken_for_sockets(self):
        daemon = subprocess.Popen(["sh", "-c", f'exec "{DAEMON}" --config "{self.config()}" --insecure >&- 2>&-'],
                                  stdin=subprocess.DEVNULL, preexec_fn=die_with_parent)
        self.addCleanup(daemon.kill)
        held = [pathlib.Path(f"/proc/{daemon.pid}/fd/{number}") for number in range(20)]
        wait_for(lambda: any("socket:" in os.readlink(file) for file in held if file.is_symlink()))
        self.assertEqual([os.readlink(file) for file in held[:3]], ["/dev/null"] * 3)
        daemon.terminate()
        self.assertEqual(daemon.wait(timeout=20 * program.SLOWDOWN), 0)

    def test_where_nothing_can_be_said_the_status_says_it(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for errors in (full, subprocess.PIPE):
                done = subprocess.run([DAEMON, "--config", self.config(), "--insecure"], stdout=full, stderr=errors,
                                      timeout=20 * program.SLOWDOWN, check=False)
                self.assertEqual(done.returncode, 2, done.stderr)


class CertificatesTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.certs("init", "--out", self.folder / "ca", "--name", "row")
        self.certs("server", "--dir", self.folder / "ca", "--host", "127.0.0.1", "--name", "daemon")
        for name, role in (("operator", ["operator"]), ("viewer", ["viewer"]), ("job", ["trainer", "--tenant", 17])):
            self.certs("client", "--dir", self.folder / "ca", "--name", name, "--role", *role)
        self.certs("init", "--out", self.folder / "theirs", "--name", "row")
        self.certs("client", "--dir", self.folder / "theirs", "--name", "operator", "--role", "operator")
        _, self.daemon = start(self, controller="  tls: {cert: ca/daemon.pem, key: ca/daemon.key, ca: ca/ca.pem}\n",
                               secure=self.shown("operator"))

    def certs(self, *words):
        status, _, err = ctl("certs", *words)
        self.assertEqual((status, err), (0, ""))

    def shown(self, name, folder="ca", authority="ca"):
        return ["--ca", self.folder / authority / "ca.pem", "--cert", self.folder / folder / f"{name}.pem",
                "--key", self.folder / folder / f"{name}.key"]

    def ask(self, *words):
        return ctl(*words, "--controller", self.daemon.api)

    def test_a_role_may_what_it_may(self):
        for name, look, change in (("operator", 0, 0), ("viewer", 0, 1), ("job", 0, 1)):
            with self.subTest(name):
                self.assertEqual(self.ask("status", *self.shown(name))[0], look)
                status, out, err = self.ask("drain", "gpu-1", *self.shown(name))
                self.assertEqual((status, err.count("\n")), (change, change), out + err)
                if change:
                    self.assertRegex(err, r"^mixnet ctl: 127\.0\.0\.1:\d+: .*operator")
        audit = self.ask("audit", *self.shown("operator"))[1]
        self.assertRegex(audit, r'audit by viewer "viewer" 127\.0\.0\.1: DrainServer: refused')
        self.assertNotIn("BEGIN", audit)

    def test_a_key_of_another_certificate_is_named(self):
        mixed = [*self.shown("operator")[:-1], self.folder / "ca" / "viewer.key"]
        status, _, err = self.ask("status", *mixed)
        self.assertEqual(status, 2)
        self.assertRegex(err, r"^mixnet ctl: .*viewer\.key: is not the key of .*operator\.pem; ")

    def test_who_speaks_without_tls_is_told(self):
        self.assertRegex(self.ask("status")[2], r"where it has certificates give --ca, --cert and --key\n$")

    def test_renewing_keeps_the_days(self):
        file = self.folder / "ca" / "short.pem"
        self.certs("client", "--dir", self.folder / "ca", "--name", "short", "--role", "viewer", "--days", 7)
        before = ctl("certs", "show", file, "--json", "-")[1]
        status, out, err = ctl("certs", "renew", "--dir", self.folder / "ca", file)
        self.assertEqual((status, err), (0, ""))
        after = json.loads(ctl("certs", "show", file, "--json", "-")[1])
        self.assertEqual(out, f"{file} ends {after['ends']}\n")
        self.assertEqual(after["ends"][:10], json.loads(before)["ends"][:10])
        ctl("certs", "renew", "--dir", self.folder / "ca", "--days", 30, file)
        later = json.loads(ctl("certs", "show", file, "--json", "-")[1])
        self.assertGreater(later["ends"], after["ends"])

    def test_strangers_are_refused(self):
        for flags in (self.shown("operator", "theirs"), self.shown("operator", authority="theirs"), []):
            with self.subTest(flags):
                status, out, err = self.ask("status", *flags, "--limit", "5s")
                self.assertEqual((status, out, err.count("\n")), (2, "", 1), err)
                self.assertNotIn("KEY", err)


class WithoutDaemonTest(program.ProgramTest):
    def test_bad_input_is_one_line_and_status_2(self):
        nobody = ["--controller", "127.0.0.1:1"]
        for words, line in ((["status", *nobody], "127.0.0.1:1: is not answered; is mixnetd running?"),
                            (["health", *nobody], "127.0.0.1:1: is not answered; is mixnetd running?"),
                            (["wait-ready", "--limit", "300ms", *nobody], "127.0.0.1:1: is not answered;"),
                            (["watch", *nobody], "127.0.0.1:1: is not answered;"),
                            (["status", "--controller", "a:b"], "--controller: 'b' is no TCP port; 1 to 65535"),
                            (["status", "--controller", "10.0.0.1"], "10.0.0.1:7411: is not on this machine"),
                            (["status", "--cert", "x", *nobody], "--ca: is not given; --ca, --cert and --key go together"),
                            (["status", "--ca=x", "--cert=x", "--key=x"], "x: No such file or directory; name a PEM file"),
                            (["pin", "1+17"], "PAIR: '1+17' is no circuit; two positions of the switch, as in 1-17"),
                            (["pin", "4-4"], "PAIR: '4-4' joins a position with itself; two positions of the switch, "
                                             "as in 1-17"),
                            (["drain", "gpu-["], "SERVER: 'gpu-[' lacks a ]; as in gpu-[0-3,7]"),
                            (["tenant", "add", 3, "a", "a"], "SERVER: 'a' is named twice; each server once"),
                            (["tenant", "add", "x", "a"], "NUMBER: 'x' is not a whole number"),
                            (["tenant"], "command line: names no command; give one of add, remove, list; see --help"),
                            (["plan", "--demand", "x"], "plan: changes nothing, and wants that said; add --dry-run"),
                            (["plan", "--dry-run", "--demand", "x"], "x: "),
                            (["alarms", "-n", 0], "-n: is out of range; 1 to 1000"),
                            (["statis"], "statis: no such command; did you mean 'status'? known: "),
                            (["status", "--limit", "1w"], "--limit: '1w'"),
                            (["status", "--json", "no/such/folder/x"], "no/such/folder/x: ")):
            with self.subTest(words):
                status, out, err = ctl(*words)
                self.assertEqual((status, out, err.count("\n")), (2, "", 1), err)
                self.assertTrue(err.startswith(f"mixnet ctl: {line}"), err)

    def test_each_command_has_an_example(self):
        status, out, _ = ctl("--help")
        self.assertEqual(status, 0)
        commands = re.findall(r"^  ([a-z-]+)  ", out.split("Subcommands:")[1], re.M)
        self.assertGreater(len(commands), 15)
        for command in commands:
            with self.subTest(command):
                status, out, err = ctl(command, "--help")
                self.assertEqual((status, err), (0, ""))
                self.assertRegex(out, f"Examples?:\\s+.*mixnet ctl {command}" if command != "completion" else "Example")

    def test_help_of_a_command_by_either_way(self):
        for words in (["ctl", "status"], ["ctl", "certs", "show"]):
            either = [subprocess.run([MIXNET, *line], capture_output=True, text=True, check=False).stdout
                      for line in (["help", *words], [*words, "--help"])]
            self.assertEqual(either[0], either[1])
            self.assertIn("Example: mixnet " + " ".join(words), either[0])

    def test_the_environment_says_where(self):
        done = subprocess.run([MIXNET, "ctl", "health"], capture_output=True, text=True, check=False,
                              env={**os.environ, "MIXNET_CONTROLLER": "localhost:1"})
        self.assertEqual((done.returncode, done.stderr),
                         (2, "mixnet ctl: localhost:1: is not answered; is mixnetd running?\n"))

    @unittest.skipUnless(shutil.which("bash"), "bash is not installed")
    def test_bash_completes_both_ways(self):
        scripts = [subprocess.run(words, capture_output=True, text=True, check=True).stdout
                   for words in ([MIXNET, "completion", "bash"], [CTL, "completion", "bash"])]

        def complete(function, *words):
            ask = (f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; {function}; "
                   'printf "%s\\n" "${COMPREPLY[@]}"')
            done = subprocess.run(["bash", "-c", "".join(scripts) + ask], capture_output=True, text=True, check=True)
            self.assertEqual(done.stderr, "")
            return done.stdout.split()

        self.assertEqual(complete("_mixnet_ctl", "mixnet-ctl", "top"), ["topology"])
        self.assertEqual(complete("_mixnet", "mixnet", "ctl", "top"), ["topology"])
        self.assertEqual(complete("_mixnet", "mixnet", "ctl", "tenant", "re"), ["remove"])
        self.assertEqual(complete("_mixnet", "mixnet", "ctl", "drain", "gpu-1", "--wa"), ["--wait"])
        self.assertEqual(complete("_mixnet", "mixnet", "com"), ["compare", "compute", "completion"])


def processes_with(word):
    """Commands that run, and have the word in their arguments."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in command:
            found.append(command)
    return found


class DemoTest(program.ProgramTest):
    def setUp(self):
        super().setUp()
        self.temporary = pathlib.Path(tempfile.mkdtemp(prefix="demo", dir=self.folder)).resolve()
        self.demo = None

    def start(self, *flags):
        self.demo = subprocess.Popen([MIXNET, "ctl", "demo", *flags], text=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(self.temporary)},
                                     preexec_fn=die_with_parent)
        self.addCleanup(self.demo.kill)
        return self.demo

    def nothing_is_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertEqual(processes_with(str(self.temporary)), [])

    def test_a_short_one(self):
        out, err = self.start("--seconds", "3", "--json", "-").communicate(timeout=60 * program.SLOWDOWN)
        self.assertEqual((self.demo.returncode, err), (0, ""), out)
        summary = json.loads(out)
        self.assertEqual(summary["served"], summary["phases"])
        self.assertGreater(summary["phases"], 10 / program.SLOWDOWN)
        self.assertGreater(summary["circuits_moved"], 8)
        self.assertGreater(summary["p99_ms"], 1)
        self.nothing_is_left()

    def read_page(self):
        line = self.demo.stdout.readline()
        self.assertRegex(line, r"^page: http://127\.0\.0\.1:\d+/\n$", self.demo.stderr.read() if not line else "")
        return re.search(r"http://\S+", line)[0]

    def test_a_signal_ends_it_and_all_of_it(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                self.start("--forever")
                self.read_page()
                line = self.demo.stdout.readline()
                status = ctl("health", "--controller", line.split()[-1])
                self.assertEqual(status[0], 0, status)
                self.assertTrue(processes_with(str(self.temporary)))
                time.sleep(1)
                self.demo.send_signal(number)
                out, err = self.demo.communicate(timeout=30 * program.SLOWDOWN)
                self.assertEqual((self.demo.returncode, err), (0, ""), out)
                self.assertRegex(out, r"\d+ phases?, \d+ of them served; ")
                self.nothing_is_left()

    def test_it_ends_when_nobody_reads_it(self):
        self.start("--forever")
        self.read_page()
        self.demo.stdout.close()
        self.assertEqual(self.demo.wait(timeout=30 * program.SLOWDOWN), 2)
        with self.demo.stderr as errors:
            self.assertIn("standard output", errors.read())
        self.nothing_is_left()

    def test_killed_it_takes_its_children_along(self):
        self.start("--forever")
        self.read_page()
        self.assertTrue(processes_with(str(self.temporary)))
        self.demo.kill()
        self.demo.communicate()
        wait_for(lambda: not processes_with(str(self.temporary)))


if __name__ == "__main__":
    if not os.access(DAEMON, os.X_OK) or not os.access(CTL, os.X_OK):
        print("there is no mixnetd beside mixnet: built without MIXNET_SWITCH")
        raise SystemExit(77)
    program.main()
