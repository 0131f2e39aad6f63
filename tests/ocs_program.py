"""mixnet-ocs and mixnet ocs as programs, for ocs_*_test.py: started on free ports of the loopback, and
ended with the test. Also servers in network namespaces without names, which end with their processes."""

import ctypes
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

import program

MIXNET = str(pathlib.Path(program.PROGRAM).resolve())
OCS = str(pathlib.Path(MIXNET).parent / "mixnet-ocs")
LOOPBACK = "127.0.0.1:0"
PR_SET_PDEATHSIG = 1


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class OcsTest(program.ProgramTest):
    """A test whose working folder is one of its own."""

    def setUp(self):
        super().setUp()
        before = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, before)


class Switch:
    """A running mixnet-ocs. `prefix`: words before the command, to run it elsewhere."""

    PROGRAM = OCS

    def __init__(self, *flags, prefix=(), errors=subprocess.PIPE):
        self.process = subprocess.Popen(
            [*prefix, self.PROGRAM, *[str(flag) for flag in flags]], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=errors, preexec_fn=die_with_parent)
        self.at = {}
        deadline = time.monotonic() + 20 * program.SLOWDOWN
        buffer = b""
        while b"ready\n" not in buffer:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                self.process.kill()
                raise AssertionError(f"{self.PROGRAM} {flags}: {self.process.communicate()[1]!r}")
            buffer += chunk
        for line in buffer.decode().splitlines():
            name, _, address = line.partition(" ")
            if address:
                self.at[name] = address

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        _, self.err = self.process.communicate(timeout=20 * program.SLOWDOWN)
        return self.process.returncode

    def url(self, protocol="tl1", settings=""):
        return f"{protocol}://{self.at[protocol]}{settings}"

    def connect(self, name):
        host, _, port = self.at[name].rpartition(":")
        connection = socket.create_connection((host, int(port)), timeout=10 * program.SLOWDOWN)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def control(self, line):
        """Its answer, without `ok`."""
        with self.connect("control") as connection:
            connection.sendall(line.encode() + b"\n")
            text = b""
            while not re.search(rb"(^|\n)(ok|error [^\n]*)\n$", text):
                text += connection.recv(65536)
        lines = text.decode().splitlines()
        if lines[-1] != "ok":
            raise AssertionError(lines[-1])
        return lines[:-1]


def ocs(*words, prefix=(), timeout=60):
    """Runs `mixnet ocs WORDS...`: (status, stdout, stderr)."""
    done = subprocess.run([*prefix, MIXNET, "ocs", *[str(word) for word in words]],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout * program.SLOWDOWN, check=False)
    return done.returncode, done.stdout, done.stderr


def ocs_json(*words, prefix=(), status=0):
    got, out, err = ocs(*words, "--json", "-", prefix=prefix)
    if got != status:
        raise AssertionError(f"mixnet ocs {words}: status {got}: {err}")
    return json.loads(out)


def why_no_namespaces():
    """Empty where servers in namespaces can be made, and interfaces attached."""
    if os.geteuid() != 0:
        return "it takes root"
    tried = subprocess.run(
        ["unshare", "-n", "sh", "-c", "ip link add test0 type veth peer name test1 && tc qdisc add dev test0 clsact"],
        capture_output=True, check=False)
    return "" if tried.returncode == 0 else f"no network namespaces: {tried.stderr.decode().strip()}"


class Namespace:
    """A network namespace that lives as long as this does, or this process."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo made; exec sleep 86400"],
                                       stdout=subprocess.PIPE, preexec_fn=die_with_parent)
        self.holder.stdout.readline()
        self.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1",
                 "net.ipv6.conf.default.disable_ipv6=1")
        self.run("ip", "link", "set", "lo", "up")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.holder.kill()
        self.holder.communicate()

    @property
    def prefix(self):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]

    def run(self, *words):
        subprocess.run([*self.prefix, *words], check=True, capture_output=True)

    def batch(self, lines):
        subprocess.run([*self.prefix, "ip", "-batch", "-"], check=True, input="\n".join(lines),
                       text=True, capture_output=True)
