"""mixnetd and mixnet ctl as programs: started on free ports of the loopback over an emulated switch, and
ended with the test."""

import json
import pathlib
import subprocess

from ocs_program import LOOPBACK, MIXNET, Switch
import program

DAEMON = str(pathlib.Path(MIXNET).parent / "mixnetd")
CTL = str(pathlib.Path(MIXNET).parent / "mixnet-ctl")


def region_file(switch, servers=8, nics=4, controller=""):
    """region.yaml of gpu-0, gpu-1, ...: positions in their order. `controller`: more lines under that key."""
    lines = ["name: row", f"switch: {switch}", f"ports: 1-{servers * nics}", "servers:"]
    for server in range(servers):
        optical = ", ".join(f"{{interface: optical{k}, ocs: {server * nics + k + 1}}}" for k in range(nics))
        lines += [f"  - name: gpu-{server}", f"    nics: [{optical}, {{interface: eth0}}]"]
    lines += ["controller:", "  store: store", "  api: 127.0.0.1:0", "  page: 127.0.0.1:0"]
    return "\n".join(lines) + "\n" + controller


class Daemon(Switch):
    """A running mixnetd; `at`: where its api and page are. Its log goes to the file `log`."""

    PROGRAM = DAEMON

    def __init__(self, *flags, log, **options):
        with open(log, "ab") as errors:
            super().__init__(*flags, errors=errors, **options)

    @property
    def api(self):
        return self.at["api"]

    def ctl(self, *words, status=0):
        """What `mixnet ctl WORDS...` prints."""
        got, out, err = ctl(*words, "--controller", self.api)
        if got != status:
            raise AssertionError(f"mixnet ctl {words}: status {got}: {out}{err}")
        return out

    def json(self, *words, status=0):
        """The document that it prints."""
        return json.loads(self.ctl(*words, "--json", "-", status=status))


def ctl(*words, timeout=60):
    """Runs `mixnet ctl WORDS...`: (status, stdout, stderr)."""
    done = subprocess.run([MIXNET, "ctl", *[str(word) for word in words]], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=timeout * program.SLOWDOWN, check=False)
    return done.returncode, done.stdout, done.stderr


def start(test, *flags, controller="", secure=(), **shape):
    """A switch and its daemon, for the length of a test: (switch, daemon). `secure`: what `mixnet ctl` is to
    show, where `controller` has TLS."""
    servers, nics = shape.get("servers", 8), shape.get("nics", 4)
    switch = Switch("--ports", servers * nics, "--timing", "fixed:5ms", "--tl1", LOOPBACK, "--control", LOOPBACK)
    test.addCleanup(switch.stop)
    config = test.file("region.yaml", region_file(switch.url(), servers, nics, controller))
    daemon = Daemon("--config", config, *(() if secure else ("--insecure",)), *flags, log=test.folder / "log")
    test.addCleanup(daemon.stop)
    status, _, err = ctl("wait-ready", "--controller", daemon.api, "--limit", "20s", *secure)
    test.assertEqual(status, 0, err)
    return switch, daemon
