"""`mixnet ocs verify-cabling` on servers in network namespaces, cabled to an emulated switch as they should
be and otherwise. What is wrong is found by what switch and servers answer; where the switch itself knows
what is plugged in is never asked."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
import unittest

import program
from ocs_program import LOOPBACK, MIXNET, Namespace, OcsTest, Switch, ocs, ocs_json, why_no_namespaces

SERVERS = 4
NICS = 2  # of each server
PORTS = SERVERS * NICS
WIRINGS = 100
WEAK_DB = 14


class Rack:
    """A switch's namespace and servers'. The cable of NIC n, from 1, ends at interface cable<n>."""

    def __init__(self):
        self.switch = Namespace()
        self.servers = [Namespace() for _ in range(SERVERS)]
        for n in range(1, PORTS + 1):
            server = self.servers[(n - 1) // NICS]
            nic = f"nic{(n - 1) % NICS}"
            self.switch.batch([f"link add cable{n} type veth peer name {nic} netns "
                               f"/proc/{server.holder.pid}/ns/net", f"link set cable{n} up"])
            server.batch([f"link set {nic} up"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for space in [self.switch, *self.servers]:
            space.__exit__()

    def write_region(self, url):
        """region.yaml: NIC n belongs into port n."""
        servers = []
        for number, server in enumerate(self.servers):
            nics = [{"interface": f"nic{k}", "ocs": number * NICS + k + 1} for k in range(NICS)]
            servers.append({"name": f"gpu-{number}", "run": server.prefix, "nics": nics})
        with open("region.yaml", "w", encoding="utf-8") as file:
            json.dump({"switch": url, "servers": servers}, file)  # JSON is YAML

    def start(self, plugs, *flags, weak=()):
        """The switch, with the cable of NIC n in port plugs[n]."""
        attach = [word for n, port in plugs.items() for word in ("--attach", f"cable{n}={port}")]
        positions = {str(port): {"in-loss-db": WEAK_DB} for port in weak}
        with open("ocs.yaml", "w", encoding="utf-8") as file:
            json.dump({"positions": positions}, file)
        switch = Switch("--config", "ocs.yaml", "--ports", PORTS, "--timing", "none", "--tl1", LOOPBACK, *flags,
                        *attach, prefix=self.switch.prefix)
        self.write_region(switch.url())
        return switch

    def verify(self, *flags):
        """(status, report)."""
        status, out, err = ocs("verify-cabling", "--config", "region.yaml", "--json", "-", *flags,
                               prefix=self.switch.prefix)
        if status not in (0, 3):
            raise AssertionError(err)
        return status, json.loads(out)


def straight():
    return {n: n for n in range(1, PORTS + 1)}


def faults_of(report):
    """What is said of each NIC, from 1."""
    return {number + 1: "; ".join(nic["faults"]) for number, nic in enumerate(report["nics"])}


class CablingTest(OcsTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rack = Rack()

    @classmethod
    def tearDownClass(cls):
        cls.rack.__exit__()
        super().tearDownClass()

    def expect(self, report, plugs, weak, what):
        faults = faults_of(report)
        for n, port in plugs.items():
            said = faults[n]
            if port == n:
                self.assertNotIn("plugged", said, what)
                self.assertNotIn("light passes", said, what)
            else:
                owner = f"gpu-{(port - 1) // NICS}:nic{(port - 1) % NICS}"
                self.assertIn(f"is plugged into port {port}, which is {owner}'s", said, what)
            self.assertEqual("weak light" in said, port in weak, (what, n, said))

    def test_every_one_of_a_hundred_wirings(self):
        rng = random.Random(17)
        took = {}
        for number in range(WIRINGS):
            plugs = straight()
            for _ in range(rng.randrange(4)):
                a, b = rng.sample(range(1, PORTS + 1), 2)
                plugs[a], plugs[b] = plugs[b], plugs[a]
            weak = rng.sample(range(1, PORTS + 1), rng.randrange(3))
            ways = ["frames", "power"] if number % 5 else ["frames", "power", "carrier"]
            for by in ways:
                flags = ["--sides", "two"] if number % 2 else []
                flags += ["--carrier"] if by == "carrier" else []
                with self.rack.start(plugs, *flags, weak=weak):
                    start = time.monotonic()
                    status, report = self.rack.verify("--by", by)
                    took[by] = max(took.get(by, 0), time.monotonic() - start)
                what = (number, by, plugs, weak)
                self.assertEqual(report["circuits"], [], what)
                self.expect(report, plugs, weak, what)
                self.assertEqual(status, 0 if plugs == straight() and not weak else 3, what)
        print(", ".join(f"by {by}: {seconds:.2f} s at most" for by, seconds in took.items()))

    def test_a_dead_cable_is_told_from_a_wrong_one(self):
        with self.rack.start({n: n for n in range(1, PORTS)}):  # that of NIC 8 lies on the floor
            status, report = self.rack.verify("--settle", "200ms")
        self.assertEqual(status, 3)
        faults = faults_of(report)
        self.assertEqual(faults.pop(PORTS), "no light passes either way; weak light: -60.0 dBm into port 8, "
                                            "under -10.0 dBm")
        self.assertEqual(set(faults.values()), {""})

    def test_swapped_fibres_of_the_switch(self):
        with self.rack.start(straight(), "--fault", "swapped@idle port=3 with=5"):
            _, report = self.rack.verify()
        faults = faults_of(report)
        self.assertEqual(faults[3], "hears from port 5, which is gpu-2:nic0's")
        self.assertEqual(faults[5], "hears from port 3, which is gpu-1:nic0's")

    def test_standing_circuits_are_not_taken_down_unasked_and_put_back(self):
        with self.rack.start(straight()) as switch:
            url = switch.url()
            self.assertEqual(ocs("connect", "1-5", "2-6", "--switch", url, prefix=self.rack.switch.prefix)[0],
                             0)
            status, _, err = ocs("verify-cabling", "--config", "region.yaml",
                                 prefix=self.rack.switch.prefix)
            self.assertEqual(status, 2)
            self.assertIn("2 circuits of the slice stand; --interrupt", err)
            status, report = self.rack.verify("--interrupt")
            self.assertEqual((status, report["ok"]), (0, True))
            shown = ocs_json("show", "--switch", url, prefix=self.rack.switch.prefix)
            self.assertEqual(shown["circuits"], [[1, 5], [2, 6]])

    def test_ctrl_c_puts_all_back(self):
        plugs = straight()
        del plugs[PORTS]  # the survey waits for it
        prefix = self.rack.switch.prefix

        def joined(switch):
            return ocs_json("show", "--switch", switch.url(), prefix=prefix)["circuits"]

        def is_up():
            shown = subprocess.check_output([*self.rack.servers[-1].prefix, "ip", "link", "show", "nic1"],
                                            text=True)
            return bool(re.search(r"[<,]UP[,>]", shown))

        with self.rack.start(plugs) as switch:
            before = [[1, 5], [2, 6]]
            self.assertEqual(ocs("connect", "1-5", "2-6", "--switch", switch.url(), prefix=prefix)[0], 0)
            for how, waits in (("frames", lambda: joined(switch) == [[PORTS - 1, PORTS]]),
                               ("power", lambda: not is_up())):
                survey = subprocess.Popen(
                    [*prefix, MIXNET, "ocs", "verify-cabling", "--config", "region.yaml", "--interrupt", "--by",
                     how, "--settle", "300s"],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    start_new_session=True)
                end = time.monotonic() + 30 * program.SLOWDOWN
                while not waits():
                    self.assertLess(time.monotonic(), end)
                    time.sleep(0.05)
                os.killpg(survey.pid, signal.SIGINT)  # as a terminal does: agents as well
                _, err = survey.communicate(timeout=30 * program.SLOWDOWN)
                self.assertEqual(survey.returncode, 2, err)
                self.assertIn("was interrupted", err)
                self.assertEqual(joined(switch), before)
                self.assertTrue(is_up())

    def test_one_switch_an_interface(self):
        with self.rack.start(straight()):
            with self.assertRaisesRegex(AssertionError, "cable1 is attached by another mixnet-ocs"):
                self.rack.start(straight())
            _, report = self.rack.verify()  # whom it has left in peace
        self.assertTrue(report["ok"], report)

    def test_for_people(self):
        plugs = straight()
        plugs[2], plugs[3] = 3, 2
        with self.rack.start(plugs):
            status, out, err = ocs("verify-cabling", "--config", "region.yaml",
                                   prefix=self.rack.switch.prefix)
        self.assertEqual((status, err), (3, ""))
        self.assertRegex(out, r"(?m)^gpu-0:nic0 +1 +-?\d\.\d +- +ok$")
        self.assertRegex(out, r"(?m)^gpu-0:nic1 +2 .*is plugged into port 3, which is gpu-1:nic0's$")
        self.assertTrue(out.endswith("2 of 8 NICs are not as they should be\n"), out)

    def test_what_cannot_be_asked_is_said(self):
        with self.rack.start(straight(), "--gnmi", LOOPBACK) as switch:
            status, _, err = ocs("verify-cabling", "--config", "region.yaml", "--by", "power", "--switch",
                                 switch.url("gnmi"), prefix=self.rack.switch.prefix)
            self.assertEqual(status, 2)
            self.assertIn("does not tell optical power", err)
            with open("region.yaml", encoding="utf-8") as file:
                region = json.load(file)
            region["servers"][1]["run"] = ["no-such-program"]
            with open("region.yaml", "w", encoding="utf-8") as file:
                json.dump(region, file)
            status, _, err = ocs("verify-cabling", "--config", "region.yaml",
                                 prefix=self.rack.switch.prefix)
            self.assertEqual(status, 2)
            self.assertRegex(err, r"^mixnet ocs: gpu-1: 'no-such-program' cannot be started")
            region["servers"][1]["run"] = self.rack.servers[0].prefix
            region["servers"][1]["nics"][0]["interface"] = "nic7"
            with open("region.yaml", "w", encoding="utf-8") as file:
                json.dump(region, file)
            status, _, err = ocs("verify-cabling", "--config", "region.yaml",
                                 prefix=self.rack.switch.prefix)
            self.assertEqual(status, 2)
            self.assertIn("nic7", err)


if __name__ == "__main__":
    WHY = why_no_namespaces()
    if WHY:
        print(f"no servers to cable: {WHY}")
        sys.exit(77)
    unittest.main()
