"""`mixnet flows --collective`: held to closed forms of its own, from 1 KiB to 16 GiB, on networks that
never block; the table; and bad input."""

import math

import program
from program import ProgramTest, answer, run

BYTES_A_SECOND = 12.5e9  # 100 Gb/s
LATENCY = 2e-6  # two links of 1 us
SLICE = 128 * 1024
ONE_A_SERVER = ["--gpus-per-server", "1", "--fabric", "ideal", "--bandwidth", "100Gbps"]


def rows_of(collective, gpus, *words):
    return answer("flows", "--collective", collective, "--gpus", str(gpus), *words)["rows"]


def ring(steps):
    return lambda size, n: steps(n) * (LATENCY + size / n / BYTES_A_SECOND)


def broadcast(size, n):
    slices = max(1, math.ceil(size / SLICE))
    depth = (n - 1).bit_length()
    return (slices + depth - 1) * size / slices / BYTES_A_SECOND + depth * LATENCY


# Closed forms, and what busbw is of algbw.
FORMS = {
    "all_reduce": (ring(lambda n: 2 * (n - 1)), lambda n: 2 * (n - 1) / n),
    "all_gather": (ring(lambda n: n - 1), lambda n: (n - 1) / n),
    "reduce_scatter": (ring(lambda n: n - 1), lambda n: (n - 1) / n),
    "all_to_all": (lambda size, n: LATENCY + size * (n - 1) / n / BYTES_A_SECOND, lambda n: (n - 1) / n),
    "gather": (lambda size, n: LATENCY + size * (n - 1) / n / BYTES_A_SECOND, lambda n: (n - 1) / n),
    "scatter": (lambda size, n: LATENCY + size * (n - 1) / n / BYTES_A_SECOND, lambda n: (n - 1) / n),
    "broadcast": (broadcast, lambda n: 1),
    "reduce": (broadcast, lambda n: 1),
    "sendrecv": (lambda size, n: LATENCY + size / BYTES_A_SECOND, lambda n: 1),
}


class CollectiveTest(ProgramTest):
    def test_closed_forms(self):
        for collective, (seconds, factor) in FORMS.items():
            for gpus in (2, 7, 64):
                rows = rows_of(collective, gpus, *ONE_A_SERVER)
                self.assertEqual([row["bytes"] for row in rows], [2**power for power in range(10, 35)])
                for row in rows:
                    what = f"{collective} of {gpus}, {row}"
                    expected = seconds(row["bytes"], gpus)
                    self.assertAlmostEqual(row["time_us"] * 1e-6 / expected, 1, delta=0.01, msg=what)
                    algbw = row["bytes"] / row["time_us"] / 1e3
                    self.assertAlmostEqual(row["algbw_gbytes_per_second"] / algbw, 1, delta=1e-3, msg=what)
                    self.assertAlmostEqual(row["busbw_gbytes_per_second"],
                                           row["algbw_gbytes_per_second"] * factor(gpus), msg=what)

    def test_servers_of_eight_reach_all_their_nics(self):
        for fabric in ("fat-tree", "rail-optimized", "ideal"):
            for collective in ("all_reduce", "all_to_all", "broadcast"):
                last = rows_of(collective, 64, "--fabric", fabric, "--bandwidth", "400Gbps")[-1]
                nics = 50 if collective == "all_to_all" else 400  # GB/s: of a GPU, of a server
                # Of an all-to-all, what stays in servers is counted, too: 63 parts, of which 56 leave.
                scale = 63 / 56 if collective == "all_to_all" else 1
                self.assertAlmostEqual(last["busbw_gbytes_per_second"] / (nics * scale), 1, delta=0.01,
                                       msg=f"{fabric} {collective}")

    def test_a_thin_tree_is_slower_and_packets_near_the_fluid(self):
        words = ["--bytes", "64MB", "--bandwidth", "400Gbps"]
        even = rows_of("all_to_all", 64, *words)[0]["time_us"]
        thin = rows_of("all_to_all", 64, *words, "--fabric", "oversub-fat-tree")[0]["time_us"]
        self.assertAlmostEqual(thin / even, 3, delta=0.1)
        packets = rows_of("all_to_all", 64, *words, "--fidelity", "auto")[0]["time_us"]
        self.assertTrue(1 <= packets / even < 1.15, packets / even)

    def test_table(self):
        result = run("flows", "--collective", "alltoall", "--bytes", "64MB", "--gpus", "64")
        self.assertEqual(result.status, 0, result)
        out = result.out.decode()
        self.assertIn("all_to_all of 64 GPUs in 8 servers: all at once\n", out)
        self.assertRegex(out, r"size \(B\) +time \(us\) +algbw \(GB/s\) +busbw \(GB/s\)\n *64000000 ")

    def test_bad_input_is_one_line(self):
        for words, message in [
            (["--collective", "all_tu_all"], "--collective: unknown collective 'all_tu_all'; did you mean 'all_to_all'?"),
            (["--collective", "reduce"], "--gpus: is required by --collective; give the GPUs that take part"),
            (["--collective", "reduce", "--gpus", "1"], "--gpus: 1 is out of range; give 2 to 1048576, which take part"),
            (["--collective", "reduce", "--gpus", "8", "--bytes", "2MB:1MB"],
             "--bytes: '2MB:1MB' is no range; give the smaller size first, as in 1KiB:16GiB"),
            (["--collective", "reduce", "--gpus", "8", "--flows", "x.csv"],
             "--flows: stands beside --collective; leave one of them out"),
            (["--collective", "reduce", "--gpus", "64", "--fabric", "nvl72"], "--fabric"),
            (["--collective", "gather", "--gpus", "1048576"], "--gpus: 1048576 are too many for gather; give at most 4096"),
            (["--collective", "all_reduce", "--gpus", "1048576"],
             "--gpus: 1048576 are too many for all_reduce; give at most 32768"),
            (["--collective", "reduce", "--gpus", "8", "--bytes", "1B:9223372036854775807B"], "--bytes: "),
        ]:
            result = run("flows", *words)
            self.assertEqual(result.status, 2, result)
            self.assertTrue(result.err.decode().startswith(f"mixnet: {message}"), result)
            self.assertEqual(result.err.count(b"\n"), 1, result)


if __name__ == "__main__":
    program.main()
