"""`mixnet flows`: the network alone. Flow files of every kind on every fabric; and bad input.

The issue's own command lines are here, on inputs that the tests make.
"""

import csv
import io
import json
import os
import pty
import random
import select
import subprocess

import program
from program import ALL_FABRICS, ProgramTest, SLOWDOWN, answer, run

CM = "Nodes 16\nConnections 3\n0->9 id 1 start 0 size 200000\n1->9 start 5000000 size 100000\n" \
     "15->2 id 7 start 0 size 1 prio 3\n"
CSV = "src,dst,bytes,start\n0,9,200000,0us\n1,9,100000,5us\n15,2,1,0us\n"
MATRIX = "0 200000 150000\n50000, 0, 75000\n300000 150000 0\n"
WALL = ["wall_seconds", "packet_hops_per_second"]
KEYS = ["schema", "fabric", "hosts", "nics_per_server", "degree", "circuits", "bandwidth_gbps",
        "latency_us", "paths", "fidelity", "transport", "mtu", "flows", "completed", "bytes",
        "inside_bytes", "makespan_us", "fct_us", "packets", "packet_hops", "drops", "ecn_marks",
        "retransmissions", "time_outs", "pauses", "events", "skipped_packets", "skipped_share", "tiers",
        *WALL]
PACKET_KEYS = ["packets", "packet_hops", "drops", "ecn_marks", "retransmissions", "time_outs", "pauses",
               "events", "skipped_packets", "skipped_share", "transport", "mtu",
               "packet_hops_per_second"]


def permutation(hosts, size):
    """A connection matrix in which every host sends to one other and hears of one other."""
    order = list(range(hosts))
    random.Random(1).shuffle(order)
    pairs = zip(order, order[1:] + order[:1])
    lines = [f"{a}->{b} id {i + 1} start 0 size {size}" for i, (a, b) in enumerate(pairs)]
    return "\n".join([f"Nodes {hosts}", f"Connections {hosts}", *lines, ""])


def square(ranks, byte_count):
    return "".join(" ".join("0" if r == c else str(byte_count) for c in range(ranks)) + "\n"
                   for r in range(ranks))


class FlowsTest(ProgramTest):
    def flows(self, fabric, *words):
        document = answer("flows", "--fabric", fabric, *words)
        self.assertEqual(list(document), KEYS)
        self.assertEqual(document["schema"], "mixnet.flows/1")
        self.assertEqual(document["fabric"], fabric)
        for tier in document["tiers"]:
            self.assertEqual(list(tier), ["name", "ports", "mean_utilisation", "max_utilisation",
                                          "deepest_queue_bytes"])
            self.assertTrue(0 <= tier["mean_utilisation"] <= tier["max_utilisation"] + 1e-9 <= 1.01,
                            tier)
        fct = document["fct_us"]
        self.assertEqual(list(fct), ["max", "mean", "p50", "p99"])
        if document["completed"]:
            self.assertTrue(0 < fct["p50"] <= fct["p99"] <= fct["max"] <= document["makespan_us"])
        return document

    def test_the_permutation_of_the_issue(self):
        path = self.file("permutation.cm", permutation(1024, 2_000_000))
        fct = self.folder / "fct.csv"
        document = self.flows("fat-tree", "--hosts", "1024", "--bandwidth", "100Gbps", "--latency",
                              "1us", "--mtu", "9000", "--transport", "dctcp", "--flows", path,
                              "--fidelity", "packet", "--fct", fct)
        self.assertEqual((document["hosts"], document["flows"], document["completed"]),
                         (1024, 1024, 1024))
        self.assertEqual(document["bytes"], 1024 * 2_000_000)
        self.assertEqual(document["packets"],
                         1024 * -(-2_000_000 // (9000 - 64)) + document["retransmissions"])
        # Alone, a flow takes 160 us to send; hashed paths collide up to a few flows a link.
        self.assertGreater(document["fct_us"]["p50"], 165)
        self.assertLess(document["fct_us"]["max"], 1600)
        self.assertEqual([tier["name"] for tier in document["tiers"]],
                         ["nic-up", "tor-up", "core-up", "core-down", "tor-down", "nic-down"])
        self.assertEqual({tier["ports"] for tier in document["tiers"]}, {1024})

        with open(fct, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(list(rows[0]), ["src", "dst", "bytes", "start_us", "fct_us"])
        lines = path.read_text(encoding="utf-8").splitlines()[2:]
        self.assertEqual([f"{row['src']}->{row['dst']}" for row in rows],
                         [line.split()[0] for line in lines])
        times = sorted(float(row["fct_us"]) for row in rows)
        self.assertAlmostEqual(times[-1], document["fct_us"]["max"], places=5)
        self.assertAlmostEqual(times[511], document["fct_us"]["p50"], places=5)
        self.assertAlmostEqual(times[1013], document["fct_us"]["p99"], places=5)
        self.assertAlmostEqual(sum(times) / 1024, document["fct_us"]["mean"], places=5)

    def test_the_matrix_of_the_issue(self):
        path = self.file("matrix.txt", square(8, 3_000_000))
        words = ["--servers", "8", "--degree", "6", "--alltoallv", path]
        document = self.flows("mixnet", *words)
        self.assertEqual((document["degree"], document["circuits"], document["hosts"]), (6, 24, 64))
        self.assertEqual(document["bytes"], 56 * 3_000_000)
        # 24 pairs on a circuit each, 4 pairs on two EPS NICs.
        self.assertEqual(document["flows"], 24 * 2 + 4 * 2 * 2)
        # 240 us on a circuit, 120 us on EPS NICs where hashed paths do not meet.
        circuits = document["tiers"][-1]
        self.assertEqual((circuits["name"], circuits["ports"]), ("circuit", 48))
        self.assertAlmostEqual(circuits["mean_utilisation"] * document["makespan_us"], 242, delta=3)
        self.assertLess(document["makespan_us"], 1000)
        sprayed = self.flows("mixnet", *words, "--paths", "spray")
        self.assertLess(sprayed["makespan_us"], 270)

    def test_every_file_on_every_fabric(self):
        files = {"x.cm": CM, "x.csv": CSV}
        for fabric in ALL_FABRICS:
            reports = []
            for name, content in files.items():
                document = self.flows(fabric, "--flows", self.file(name, content))
                self.assertEqual((document["flows"], document["completed"], document["bytes"]),
                                 (3, 3, 300_001))
                self.assertEqual(document["hosts"], 16)
                reports.append({key: document[key] for key in KEYS if key not in WALL})
            self.assertEqual(reports[0], reports[1], "the same flows, however they are written")
            for ranks, words in ((3, ["--servers", "3"]),
                                 (3, ["--hosts", "6", "--nics-per-server", "2"]), (24, [])):
                path = self.file("matrix", square(ranks, 30_000))
                document = self.flows(fabric, *words, "--alltoallv", path)
                self.assertEqual(document["completed"], document["flows"])
                between = ranks * (ranks - 1)
                inside = 0
                if ranks == 24:  # what stays in a server takes no NIC, whatever the fabric
                    between, inside = 24 * 16, 24 * 7
                self.assertEqual((document["bytes"], document["inside_bytes"]),
                                 (between * 30_000, inside * 30_000), (fabric, ranks))

    def test_every_fidelity(self):
        path = self.file("matrix.txt", square(4, 20_000_000))
        for fabric in ALL_FABRICS:
            makespan = {}
            for fidelity in ("packet", "auto", "fluid"):
                document = self.flows(fabric, "--servers", "4", "--alltoallv", path, "--paths",
                                      "spray", "--fidelity", fidelity)
                makespan[fidelity] = document["makespan_us"]
                self.assertEqual([document[key] is None for key in PACKET_KEYS],
                                 [fidelity == "fluid"] * len(PACKET_KEYS))
                if fidelity == "packet":
                    self.assertEqual(document["skipped_packets"], 0)
            for fidelity in ("auto", "fluid"):
                self.assertAlmostEqual(makespan[fidelity] / makespan["packet"], 1, delta=0.13,
                                       msg=f"{fabric} {fidelity}")

    def test_every_transport_and_policy_loses_nothing(self):
        path = self.file("incast.csv", "src,dst,bytes\n" +
                         "".join(f"{host},0,1000000\n" for host in range(1, 64)))
        for transport in ("dctcp", "dcqcn"):
            for paths in ("ecmp", "spray"):
                document = self.flows("fat-tree", "--flows", path, "--transport", transport,
                                      "--paths", paths, "--queue", "200kB")
                self.assertEqual(document["completed"], 63)
                # DCQCN's switches pause.
                self.assertEqual(document["drops"] > 0, transport == "dctcp")
                self.assertEqual(document["retransmissions"] > 0, transport == "dctcp")
                self.assertGreater(document["makespan_us"], 63 * 80)
                down = document["tiers"][-1]
                self.assertEqual(down["name"], "nic-down")
                if transport == "dctcp":
                    self.assertLessEqual(down["deepest_queue_bytes"], 200_000)

    def test_triggers(self):
        ring = "Nodes 4\nConnections 4\nTriggers 3\n" + "".join(
            f"trigger id {i} oneshot\n" for i in range(1, 4)) + (
            "0->1 start 0 size 1000000 recv_done_trigger 1\n"
            "1->2 trigger 1 size 1000000 recv_done_trigger 2\n"
            "2->3 trigger 2 size 1000000 recv_done_trigger 3\n3->0 trigger 3 size 1000000\n")
        path = self.file("ring.cm", ring)
        result = run("flows", "--fabric", "ideal", "--flows", path, "--fct", "-")
        rows = list(csv.DictReader(io.StringIO(result.out.decode())))
        for before, after in zip(rows, rows[1:]):
            self.assertAlmostEqual(float(before["start_us"]) + float(before["fct_us"]),
                                   float(after["start_us"]), places=5)
        part = self.flows("ideal", "--flows", path, "--until", "200us")
        self.assertEqual((part["flows"], part["completed"], part["makespan_us"]), (4, 2, 200))
        none = self.flows("ideal", "--flows", path, "--until", "1ns")
        self.assertEqual(none["completed"], 0)
        fluid = self.flows("ideal", "--flows", path, "--fidelity", "fluid")
        self.assertEqual(fluid["completed"], 4)
        # 80 us each, and two links of 1 us.
        self.assertAlmostEqual(fluid["makespan_us"], 4 * 82, places=3)
        self.assertEqual(set(none["fct_us"].values()), {None})

    def test_more_bandwidth_and_less_latency_help(self):
        path = self.file("p.cm", permutation(64, 1_000_000))
        def times(*words):
            return self.flows("fat-tree", "--flows", path, *words)["fct_us"]
        base = times()
        self.assertLess(times("--bandwidth", "400Gbps")["mean"], base["mean"] / 2)
        self.assertLess(times("--latency", "0us")["p50"], base["p50"])
        self.assertGreater(times("--latency", "10us")["p50"], base["p50"])
        self.assertLess(times("--paths", "spray")["max"], base["max"])

    def test_the_same_bytes_twice(self):
        path = self.file("p.cm", permutation(128, 300_000))
        for words in (["--fabric", "fat-tree"], ["--fabric", "oversub-fat-tree", "--transport",
                      "dcqcn"], ["--fabric", "rail-optimized", "--paths", "spray"]):
            texts = []
            for _ in range(2):
                out = self.folder / "out.json"
                result = run("flows", *words, "--flows", path, "--json", out, "--fct", "-")
                self.assertEqual((result.status, result.err), (0, b""), str(result))
                document = json.loads(out.read_text(encoding="utf-8"))
                self.assertEqual(list(document)[-2:], WALL, "what differs stands last")
                for key in WALL:
                    del document[key]
                texts.append((json.dumps(document), result.out))
            self.assertEqual(texts[0], texts[1])

    def test_what_people_see(self):
        path = self.file("p.cm", permutation(64, 300_000))
        result = run("flows", "--fabric", "fat-tree", "--flows", path,
                     env={**os.environ, "TERM": "xterm-256color"})
        self.assertEqual((result.status, result.err), (0, b""), str(result))
        text = result.out.decode()
        for said in ("fat-tree of 64 hosts, 8 servers: 100 Gb/s a NIC, 1 us a link", "FCT p99",
                     "packet-hops", "deepest queue", "nic-down", "####", "simulated in"):
            self.assertIn(said, text)
        self.assertTrue(all(c >= " " or c == "\n" for c in text))
        self.assertTrue(all(len(line) <= 120 for line in text.split("\n")))
        left = run("flows", "--fabric", "fat-tree", "--flows", path, "--until", "10us")
        self.assertIn("64 flows had not ended then", left.out.decode())
        self.assertIn("  flows ", run("--help").out.decode())
        text = run("flows", "--help").out.decode()
        self.assertIn("mixnet flows --fabric", text)
        self.assertTrue(all(len(line) <= 120 for line in text.split("\n")))

    def test_a_terminal_sees_progress(self):
        """Of what lasts over two seconds, and it is wiped."""
        path = self.file("p.cm", permutation(1024, 40_000_000))
        master, slave = pty.openpty()
        with subprocess.Popen([program.PROGRAM, "flows", "--fabric", "fat-tree", "--flows", path,
                               "--json", "-"], stdout=subprocess.PIPE, stderr=slave) as child:
            os.close(slave)
            out = child.stdout.read()
            text = b""
            try:
                while block := os.read(master, 65536):  # a terminal gives at most 4 kB at once
                    text += block
            except OSError:  # all is read
                pass
            os.close(master)
            self.assertEqual(child.wait(), 0)
        document = json.loads(out)
        self.assertEqual(document["completed"], 1024)
        if document["wall_seconds"] > 4:
            self.assertIn(b"simulating flows [", text)
            self.assertTrue(text.endswith(b"\x1b[K"))


class BadFlowsTest(ProgramTest):
    def refused(self, words, *said, name="x.cm", content=CM):
        """`{x}` in `words` is a file; the command must fail in one line that holds `said`."""
        path = self.file(name, content)
        words = ["flows", *(str(word).replace("{x}", str(path)) for word in words)]
        with self.subTest(" ".join(words)):
            result = run(*words, timeout=20)
            self.assertEqual(result.status, 2, str(result))
            self.assertEqual(result.out, b"")
            line = result.err.decode("utf-8", errors="replace")
            self.assertTrue(line.startswith("mixnet: ") and line.endswith("\n"), line)
            self.assertEqual(line.count("\n"), 1, line)
            self.assertTrue(all(c >= " " for c in line[:-1]), repr(line))
            for words_said in said:
                self.assertIn(words_said, line)
            self.assertLess(result.cpu_seconds, 3 * SLOWDOWN)
        self.assertEqual([p.name for p in self.folder.iterdir()], [name], "files were left behind")
        os.unlink(path)

    def test_flags(self):
        tree = ["--fabric", "fat-tree", "--flows", "{x}"]
        for words, said in (
                (["--flows", "{x}"], "--fabric: is required"),
                (["--fabric", "fat-tree"], "flows: names nothing to send"),
                ([*tree, "--alltoallv", "{x}"], "--flows: stands beside --alltoallv"),
                (["--fabric", "fattree", "--flows", "{x}"], "did you mean 'fat-tree'?"),
                (["--fabric", "fat-tree,mixnet", "--flows", "{x}"], "--fabric: "),
                (["--fabric", "nvl72", "--flows", "{x}"], "'nvl72' is more than its NICs"),
                (["--fabric", "mixnet-optical-io", "--flows", "{x}"], "--fabric: "),
                ([*tree, "--hosts", "16", "--servers", "2"], "--servers: stands beside --hosts"),
                ([*tree, "--flow", "{x}"], "--flow: no such flag; did you mean '--flows'?"),
                ([*tree, "--hosts"], "--hosts")):
            self.refused(words, said)
        for flag in ("--hosts", "--servers", "--nics-per-server"):
            for bad in ("0", "-1", "2147483647", "1048577"):
                self.refused([*tree, flag, bad], f"{flag}: {bad} is out of range")
            for bad in ("x", "1e3", "0x10", "99999999999"):
                self.refused([*tree, flag, bad], f"{flag}: '{bad}'")
        self.refused([*tree, "--servers", "2", "--nics-per-server", "0"], "--nics-per-server: 0")
        self.refused([*tree, "--hosts", "1"], "--hosts: 1 is out of range")
        for bad in ("-1", "8", "2147483647"):
            self.refused(["--fabric", "mixnet", "--flows", "{x}", "--degree", bad],
                         f"--degree: {bad} of a server's 8 NICs", "give 0 to 7")
        for bad in ("0", "0.5", "1e9", "nan"):
            self.refused([*tree, "--oversubscription", bad], "--oversubscription: ")

    def test_speeds_sizes_and_times(self):
        tree = ["--fabric", "fat-tree", "--flows", "{x}"]
        for flag, bad, said in (
                ("--bandwidth", "0Gbps", "0 b/s is out of range; give 1Mbps to 10Tbps"),
                ("--bandwidth", "100", "has no unit"), ("--bandwidth", "-1Gbps", "negative"),
                ("--bandwidth", "11Tbps", "out of range"), ("--bandwidth", "1kbps", "out of range"),
                ("--bandwidth", "100Gbps,400Gbps", "unknown unit"),
                ("--bandwidth", "nanGbps", "not finite"), ("--bandwidth", "", "empty"),
                ("--latency", "2s", "out of range"), ("--latency", "1", "has no unit"),
                ("--latency", "-1us", "negative"), ("--latency", "1e30s", "too large"),
                ("--mtu", "0", "out of range"), ("--mtu", "-9000", "out of range"),
                ("--mtu", "255", "out of range"), ("--mtu", "65536", "out of range"),
                ("--mtu", "2147483647", "out of range"), ("--mtu", "9000B", "not a whole number"),
                ("--header", "5000", "out of range"), ("--ack-bytes", "0", "out of range"),
                ("--queue", "1kB", "too small"), ("--queue", "0B", "zero"),
                ("--queue", "100TB", "over 1 TB"), ("--initial-window", "0", "out of range"),
                ("--time-out", "0us", "out of range"), ("--time-out", "1min", "out of range"),
                ("--time-out", "10us", "no more than a round trip of"),
                ("--until", "0us", "out of range"), ("--until", "31", "has no unit"),
                ("--until", "1e9s", "too large"), ("--until", "2000000s", "")):
            if said:
                self.refused([*tree, flag, bad], f"{flag}: ", said)
        self.refused([*tree, "--latency", "200us", "--time-out", "1ms"],
                     "--time-out: 1 ms is no more than a round trip")
        self.refused([*tree, "--bandwidth", "1Mbps", "--time-out", "10s", "--queue", "500GB"],
                     "--queue: is over an hour's worth of a link of 1 Mb/s")
        self.refused(["--fabric", "topoopt", "--flows", "{x}", "--bandwidth", "10Tbps",
                      "--nics-per-server", "16"], "--bandwidth: 16 circuits of 10 Tb/s")

    def test_names(self):
        tree = ["--fabric", "fat-tree", "--flows", "{x}"]
        for flag, bad, said in (("--transport", "tcp", "dctcp"),
                                ("--transport", "dctp", "did you mean 'dctcp'?"),
                                ("--fidelity", "packets", "did you mean 'packet'?"),
                                ("--paths", "sprey", "did you mean 'spray'?"),
                                ("--paths", "rps", "known: spray, ecmp")):
            self.refused([*tree, flag, bad], f"{flag}: unknown", said)

    def test_files(self):
        tree = ["--fabric", "fat-tree"]
        for file in ("no/such.cm", "no/such.csv"):
            self.refused([*tree, "--flows", file], file)
        self.refused([*tree, "--alltoallv", "no/such.txt"], "no/such.txt")
        self.refused([*tree, "--flows", "."], "does not end in .cm or .csv")
        self.refused([*tree, "--alltoallv", "."], "folder")
        self.refused([*tree, "--flows", "{x}"], "x.txt: does not end in .cm or .csv", name="x.txt")
        self.refused([*tree, "--flows", "{x}"], "x.CM: does not end in .cm or .csv", name="x.CM")
        for name in ("x.cm", "x.csv"):
            for content in (b"", bytes(range(256)) * 64, b"\n\n# nothing\n"):
                self.refused([*tree, "--flows", "{x}"], name, name=name, content=content)

    def test_connection_matrices(self):
        for content, said in (
                (CM.replace("->9 id 1", "->16 id 1"), "x.cm:3: receiver '16'"),
                (CM.replace("0->9", "-1->9"), "x.cm:3: "),
                (CM.replace("0->9", "9->9"), "x.cm:3: host 9 sends to itself"),
                (CM.replace("size 200000", "size 0"), "x.cm:3: size '0'"),
                (CM.replace("size 200000", "size -5"), "x.cm:3: "),
                (CM.replace("size 200000", "size 1e300"), "x.cm:3: "),
                (CM.replace("size 200000", "size 9007199254740993"), "x.cm:3: "),
                (CM.replace("size 200000", "size 9007199254000000"), "is over 2^31 packets"),
                (CM.replace("size 200000", ""), "x.cm:3: the flow has no size"),
                (CM.replace("start 5000000", ""), "x.cm:4: the flow has neither"),
                (CM.replace("start 5000000", "start 1e30"), "x.cm:4: "),
                (CM.replace("Connections 3", "Connections 4"), "x.cm:2: says 'Connections 4'"),
                (CM.replace("Nodes 16\n", ""), "'Nodes'"),
                (CM.replace("Nodes 16", "Nodes 99999999999"), "x.cm:1: "),
                (CM + "failure switch 1\n", "link failures"),
                (CM.replace("start 5000000", "trigger 5"), "trigger 5 is not defined"),
                (CM + "bananas\n", "x.cm:6: starts with 'bananas'")):
            self.refused(["--fabric", "fat-tree", "--flows", "{x}"], said, content=content)
        self.refused(["--fabric", "fat-tree", "--hosts", "8", "--flows", "{x}"],
                     "x.cm: is for 16 hosts, and the network has 8; give --hosts 16 or more")
        self.refused(["--fabric", "rail-optimized", "--hosts", "17", "--flows", "{x}"],
                     "--hosts: 17 hosts are no whole servers of 8 NICs")
        triggers = ("Nodes 4\nConnections 2\nTriggers 1\ntrigger id 1 oneshot\n"
                    "0->1 start 0 size 9 recv_done_trigger 1\n1->2 trigger 1 size 9\n")
        self.refused(["--fabric", "topoopt", "--flows", "{x}"], "hosts 0 and 1 are in one server",
                     content=triggers)
        self.refused(["--fabric", "mixnet", "--degree", "7", "--flows", "{x}"],
                     "hosts 0 and 1 are in one server, which has one EPS NIC", content=triggers)
        self.refused(["--fabric", "ideal", "--fidelity", "fluid", "--until", "1ms", "--flows", "{x}"],
                     "--until: stops packets")
        big = "Nodes 40000\nConnections 1\n0->39999 start 0 size 9\n"
        for fabric in ("mixnet", "topoopt"):
            self.refused(["--fabric", fabric, "--flows", "{x}"], "--servers: 5000 servers",
                         content=big)

    def test_flow_lists(self):
        for content, said in (
                (CSV.replace("0,9,200000,0us", "0,9,0,0us"), "x.csv:2 (column 'bytes')"),
                (CSV.replace("0,9,200000,0us", "0,9,-1,0us"), "x.csv:2 (column 'bytes')"),
                (CSV.replace("0,9,200000,0us", "0,9,1e30,0us"), "x.csv:2 (column 'bytes')"),
                (CSV.replace("0,9,200000,0us", "0,0,1,0us"), "sends to itself"),
                (CSV.replace("0,9,200000,0us", "0,1048576,1,0us"), "host 1048576 is too large"),
                (CSV.replace("0,9,200000,0us", "-1,9,1,0us"), "x.csv:2 (column 'src')"),
                (CSV.replace("0,9,200000,0us", "0,9,1,5"), "has no unit"),
                (CSV.replace("0,9,200000,0us", "0,9,1"), "x.csv:2"),
                (CSV.replace("bytes", "size"), "has a column 'size'")):
            self.refused(["--fabric", "fat-tree", "--flows", "{x}"], said, name="x.csv",
                         content=content)
        self.refused(["--fabric", "ideal", "--hosts", "15", "--flows", "{x}"],
                     "x.csv: is for 16 hosts, and the network has 15", name="x.csv", content=CSV)

    def test_matrices(self):
        words = ["--fabric", "mixnet", "--servers", "3", "--alltoallv", "{x}"]
        for content, said in (
                (MATRIX + "1 2 3\n", "is not square"), (MATRIX.replace("75000", ""), "x.txt:2"),
                (MATRIX.replace("75000", "-1"), "x.txt:2 (column 3)"),
                (MATRIX.replace("75000", "x"), "x.txt:2 (column 3)"),
                (MATRIX.replace("75000", "nan"), "x.txt:2 (column 3)"),
                (MATRIX.replace("75000", "1e300"), "x.txt:2 (column 3)"),
                (MATRIX.replace("75000", "9007199254740000"), "over 2^53 bytes"),
                (MATRIX.replace("75000", "9007199250000000"), "is over 2^31 packets"),
                ("0 0\n0 0\n", "holds no flows"), ("", "holds no values"), ("5\n", "holds no flows")):
            self.refused(words, said, name="x.txt", content=content)
        for count in ("2", "4", "24"):
            self.refused(["--fabric", "mixnet", "--servers", count, "--alltoallv", "{x}"],
                         "x.txt: is for 3 ranks", name="x.txt", content=MATRIX)
        self.refused(["--fabric", "fat-tree", "--hosts", "23", "--alltoallv", "{x}"],
                     "--hosts: 23 hosts are no whole servers", name="x.txt", content=MATRIX)
        self.refused(["--fabric", "mixnet", "--alltoallv", "{x}"],
                     "x.txt: has no bytes between servers", name="x.txt", content=MATRIX)

    def test_answers_that_cannot_be_kept(self):
        tree = ["--fabric", "fat-tree", "--flows", "{x}"]
        for flag in ("--json", "--fct"):
            self.refused([*tree, flag, "no/such/folder/y"], "no/such/folder/y")
            self.refused([*tree, flag, "."], "is a folder")
            self.refused([*tree, flag, ""], f"{flag}: is empty")
        for place in ("-", "y"):
            self.refused([*tree, "--json", place, "--fct", place], "--fct: cannot go where --json")
        self.refused([*tree, "--json", "y", "--fct", "./y"], "--fct: cannot go where --json")



class LongFlowTest(ProgramTest):
    def test_one_long_flow_is_seen_on_its_way(self):
        """On a terminal, after two seconds: 5 TB take about a minute."""
        flows = self.file("long.csv", "src,dst,bytes\n0,1,5000000000000\n")
        terminal, end = pty.openpty()
        process = subprocess.Popen([program.PROGRAM, "flows", "--flows", flows, "--fabric", "fat-tree"],
                                   stdout=subprocess.DEVNULL, stderr=end, env={"TERM": "xterm"})
        os.close(end)
        shown = b""
        try:
            while b" %" not in shown and select.select([terminal], [], [], 30 * SLOWDOWN)[0]:
                shown += os.read(terminal, 1000)
        finally:
            process.kill()
            process.wait()
            os.close(terminal)
        self.assertRegex(shown, rb"simulating flows \[=* *\] +[0-9]+ %")


if __name__ == "__main__":
    program.main()
