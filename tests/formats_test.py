"""What programs read: JSON of the documented schemas, CSV, and the same bytes every time.

Also that nothing meant for a terminal (colours, progress) gets into a pipe or a file.
"""

import csv
import io
import json
import os
import pty
import subprocess
import tempfile

import program
from program import ALL_FABRICS, DATA, DOMAIN_FABRICS, PRODUCTION_MATRIX, ProgramTest, answer, run

COMPARE = ["compare", "--model", "llama-moe", "--gpus", "128", "--bandwidth", "100Gbps,400Gbps"]
CAUSES = ["ep", "tp", "pp", "dp", "reconfiguration", "bubble"]
# One model's part of the published times, to be quick about it.
SERIES = tempfile.NamedTemporaryFile(mode="w", suffix=".csv")  # pylint: disable=consider-using-with
SERIES.write("model,bandwidth_gbps,fat_tree,mixnet\nllama-moe,100,3.9,5.0\nllama-moe,400,1.3,1.6\n")
SERIES.flush()
EVERY_COMMAND = [COMPARE, ["cost"], ["plan", "--demand", PRODUCTION_MATRIX], ["models"], ["gpus"],
                 ["fabrics"], ["validate", "--published", SERIES.name]]
NUMBER = (int, float)


def model_file(test, name="config.json"):
    source = DATA / "models" / "llama-moe.json"
    return test.file(name, source.read_text(encoding="utf-8"))


class SchemaTest(ProgramTest):
    def has(self, document, **types):
        """`document` has just these keys, with values of these types (bool is no number)."""
        self.assertEqual(list(document), list(types))
        for key, kind in types.items():
            self.assertIsInstance(document[key], kind, key)
            self.assertNotIsInstance(document[key], bool, key)

    def test_compare(self):
        document = answer(*COMPARE, "--seed", "7", "--ep-split", "balanced")
        self.has(document, schema=str, program=str, gpu=str, plan=dict, memory=dict, cluster=dict, runs=list)
        self.has(document["cluster"], years=NUMBER, server_usd=NUMBER, server_kw=NUMBER,
                 server_price_source=str)
        self.assertEqual(document["schema"], "mixnet.compare/1")
        self.has(document["plan"], tp=int, pp=int, ep=int, dp=int, gpus_per_server=int,
                 micro_batch_size=int, global_batch_size=int, seq_length=int)
        plan = document["plan"]
        self.assertEqual(plan["tp"] * plan["pp"] * plan["dp"], 128)
        self.assertEqual([(one["bandwidth_gbps"], one["fabric"]) for one in document["runs"]],
                         [(gbps, fabric) for gbps in (100, 400) for fabric in ALL_FABRICS])
        tokens = plan["global_batch_size"] * plan["seq_length"]
        for one in document["runs"]:
            can_be_bought = one["fabric"] != "ideal"
            usd = NUMBER if can_be_bought else type(None)
            self.has(one, model=str, fabric=str, bandwidth_gbps=NUMBER, gpus=int,
                     iteration_seconds=float, tokens_per_second=float, tokens_per_second_per_gpu=float,
                     flops_per_token=float, tflops_per_gpu=float, mfu=float, training_days=type(None),
                     training_usd=type(None), exposed_seconds=dict,
                     compute_seconds=float, network_cost_usd=usd,
                     performance_per_dollar_vs_fat_tree=usd, cluster_cost_usd=usd,
                     energy_cost_usd=usd, tokens_per_usd=usd,
                     performance_per_total_dollar_vs_fat_tree=usd, routing=str, policy=str, ep_split=str,
                     fidelity=str, seed=int)
            self.has(one["exposed_seconds"], **{cause: NUMBER for cause in CAUSES})
            self.assertEqual((one["model"], one["gpus"], one["routing"], one["policy"],
                              one["ep_split"], one["fidelity"], one["seed"]),
                             ("llama-moe", 128, "dynamic", "hitless", "balanced", "fluid", 7))
            self.assertAlmostEqual(one["tokens_per_second"] * one["iteration_seconds"] / tokens, 1)
            self.assertTrue(all(seconds >= 0 for seconds in one["exposed_seconds"].values()))

    def test_compare_domains(self):
        words = ["compare", "--model", "deepseek-v3", "--gpus", "2048", "--ep", "128", "--routing",
                 "uniform", "--micro-batch-size", "4", "--fabric", ",".join([*DOMAIN_FABRICS, "ideal"]), "--bandwidth"]
        document = answer(*words, "800Gbps,1.6Tbps")
        self.assertEqual(document["plan"]["gpus_per_server"], 64)
        for one in document["runs"]:
            self.assertIsNone(one["network_cost_usd"])
            self.assertIsNone(one["performance_per_dollar_vs_fat_tree"])
            if one["fabric"] == "ideal":
                self.assertNotIn("gpu_bandwidth_gbps", one)
                continue
            gpu = one["gpu_bandwidth_gbps"]
            self.has(gpu, total=NUMBER, ethernet=NUMBER, scale_up=NUMBER, optical=NUMBER)
            self.assertEqual(gpu["ethernet"], one["bandwidth_gbps"])
            self.assertEqual(gpu["total"], 10 * one["bandwidth_gbps"])
            self.assertEqual(gpu["total"], gpu["ethernet"] + gpu["scale_up"] + gpu["optical"])
            self.assertEqual(gpu["optical"] > 0, one["fabric"] == "mixnet-optical-io")
        table = run(*words, "800Gbps").out.decode()
        self.assertIn("nvl72: 8 Tb/s a GPU = 800 Gb/s Ethernet + 7.2 Tb/s scale-up\n", table)
        self.assertIn("mixnet-optical-io: 8 Tb/s a GPU = 800 Gb/s Ethernet + 3.6 Tb/s scale-up + "
                      "3.6 Tb/s optical\n", table)

    def test_the_parts_add_up_to_the_iteration(self):
        for words in ([], ["--routing", "measured"], ["--schedule", "eager-1f1b"],
                      ["--paths", "ecmp", "--ep-nics", "own"], ["--dp-overlap", "off"],
                      ["--ep-steps", "sequential", "--ep-split", "balanced"],
                      ["--tp", "4", "--pp", "2", "--ep", "16", "--micro-batch-size", "1"]):
            for one in answer(*COMPARE, *words)["runs"]:
                parts = one["compute_seconds"] + sum(one["exposed_seconds"].values())
                self.assertAlmostEqual(parts, one["iteration_seconds"], delta=1e-6,
                                       msg=f"{words} {one['fabric']}")

    def test_performance_per_dollar_is_against_the_fat_tree(self):
        runs = answer(*COMPARE)["runs"]
        base = {one["bandwidth_gbps"]: one for one in runs if one["fabric"] == "fat-tree"}
        for one in runs:
            if one["fabric"] == "ideal":
                continue
            tree = base[one["bandwidth_gbps"]]
            expected = (tree["iteration_seconds"] * tree["network_cost_usd"] /
                        (one["iteration_seconds"] * one["network_cost_usd"]))
            self.assertAlmostEqual(one["performance_per_dollar_vs_fat_tree"], expected, places=9)

    def test_cost(self):
        document = answer("cost", "--servers", "16", "--nics-per-server", "4")
        self.has(document, schema=str, rows=list)
        self.assertEqual(document["schema"], "mixnet.cost/1")
        self.assertEqual([(row["bandwidth_gbps"], row["fabric"]) for row in document["rows"]],
                         [(gbps, fabric) for gbps in (100, 200, 400, 800)
                          for fabric in ALL_FABRICS if fabric != "ideal"])
        for row in document["rows"]:
            self.has(row, fabric=str, bandwidth_gbps=NUMBER, servers=int, network_cost_usd=NUMBER,
                     parts=dict)
            self.assertEqual(row["servers"], 16)
            self.assertEqual(row["parts"]["nic"]["quantity"], 64)
            for part in row["parts"].values():
                self.has(part, quantity=int, unit_usd=NUMBER, usd=NUMBER)
                self.assertAlmostEqual(part["quantity"] * part["unit_usd"], part["usd"], places=2)
            total = sum(part["usd"] for part in row["parts"].values())
            self.assertAlmostEqual(total, row["network_cost_usd"], places=2)

    def test_validate(self):
        document = answer("validate", "--published", SERIES.name)
        self.has(document, schema=str, rows=list, fits=list, fabrics=list)
        self.assertEqual(document["schema"], "mixnet.validate/1")
        for row in document["rows"]:
            self.has(row, model=str, fabric=str, bandwidth_gbps=NUMBER, published=NUMBER,
                     simulated=NUMBER, error=NUMBER)
            self.assertAlmostEqual(row["error"], row["simulated"] / row["published"] - 1, places=9)
        for fit in document["fits"]:
            self.has(fit, model=str, compute_scale=NUMBER, seconds_per_unit=NUMBER)
        for fabric in document["fabrics"]:
            self.has(fabric, fabric=str, cases=int, median_absolute_error=NUMBER,
                     worst_absolute_error=NUMBER)

    def test_plan(self):
        document = answer("plan", "--demand", PRODUCTION_MATRIX, "--degree", "4")
        self.has(document, schema=str, servers=int, allocator=str, degree=int, eps_nics=int,
                 bandwidth_bps=int, numa_of_nic=list, time_ps=dict, gap=float,
                 pairs_without_circuit=dict, circuits=list)
        self.assertEqual(document["schema"], "mixnet.plan/1")
        self.assertEqual((document["servers"], document["degree"], document["bandwidth_bps"]),
                         (8, 4, 400 * 10**9))
        self.has(document["time_ps"], all_to_all=int, circuits=int, eps=int, balanced=int,
                 lower_bound=int)
        self.has(document["pairs_without_circuit"], count=int, bytes=int)
        nics = set()
        for circuit in document["circuits"]:
            self.has(circuit, server_a=int, nic_a=int, server_b=int, nic_b=int)
            self.assertLess(circuit["server_a"], circuit["server_b"])
            for server, nic in (("server_a", "nic_a"), ("server_b", "nic_b")):
                self.assertTrue(0 <= circuit[server] < 8 and 0 <= circuit[nic] < 4, circuit)
                nics.add((circuit[server], circuit[nic]))
        self.assertEqual(len(nics), 2 * len(document["circuits"]), "a NIC has one circuit")

    def test_lists(self):
        for what, count in (("models", 10), ("gpus", 9), ("fabrics", len(ALL_FABRICS) + len(DOMAIN_FABRICS))):
            document = answer(what)
            self.has(document, schema=str, **{what: list})
            self.assertEqual(document["schema"], f"mixnet.{what}/1")
            self.assertEqual(len(document[what]), count)
            for one in document[what]:
                self.assertTrue(one["name"] and one["source"], one)


class CsvTest(ProgramTest):
    def test_compare_has_what_the_json_has(self):
        runs = answer(*COMPARE)["runs"]
        rows = list(csv.DictReader(io.StringIO(run(*COMPARE, "--csv", "-").out.decode())))
        self.assertEqual(len(rows), len(runs))
        for row, one in zip(rows, runs):
            for cause, seconds in one.pop("exposed_seconds").items():
                self.assertEqual(float(row.pop(f"{cause}_seconds")), seconds)
            self.assertEqual(set(row), set(one))
            for key, value in one.items():
                if value is None:
                    self.assertEqual(row[key], "")
                elif isinstance(value, str):
                    self.assertEqual(row[key], value)
                else:
                    self.assertEqual(float(row[key]), value, key)

    def test_names_with_commas_and_quotes_stay_one_value(self):
        matrix = self.file('a "b", c.csv', PRODUCTION_MATRIX.read_text(encoding="utf-8"))
        routing = f"matrix:{matrix}"
        result = run("compare", "--model", model_file(self, "x, y.json"), "--gpus", "128",
                     "--tp", "1", "--pp", "4", "--ep", "8", "--routing", routing, "--csv", "-")
        self.assertEqual(result.status, 0, str(result))
        rows = list(csv.DictReader(io.StringIO(result.out.decode())))
        self.assertEqual(len(rows), len(ALL_FABRICS))
        for row in rows:
            self.assertNotIn(None, row, "a row has more values than the header")
            self.assertEqual((row["routing"], row["seed"]), (routing, "1"))
            self.assertIn("x, y", row["model"])

    def test_cost(self):
        rows = list(csv.DictReader(io.StringIO(run("cost", "--csv", "-").out.decode())))
        totals = [row["network_cost_usd"] for row in answer("cost")["rows"]]
        self.assertEqual([float(row["network_cost_usd"]) for row in rows], totals)
        self.assertEqual({row["fabric"] for row in rows}, set(ALL_FABRICS) - {"ideal"})


class SameBytesTest(ProgramTest):
    def test_twice_the_same(self):
        for words in EVERY_COMMAND:
            for flags in ([], ["--json", "-"]):
                first = run(*words, *flags)
                self.assertEqual(first.status, 0, str(first))
                self.assertEqual(first.out, run(*words, *flags).out, words)
        self.assertEqual(run(*COMPARE, "--csv", "-").out, run(*COMPARE, "--csv", "-").out)

    def test_a_file_gets_the_bytes_that_standard_output_gets(self):
        for words in EVERY_COMMAND:
            path = self.file("answer.json", "an older answer")
            table = run(*words, "--json", path)
            self.assertEqual(path.read_bytes(), run(*words, "--json", "-").out)
            self.assertEqual(table.out, run(*words).out, "the tables are printed as well")
        json_path, csv_path = self.folder / "a.json", self.folder / "a.csv"
        run(*COMPARE, "--json", json_path, "--csv", csv_path)
        self.assertEqual(json_path.read_bytes(), run(*COMPARE, "--json", "-").out)
        self.assertEqual(csv_path.read_bytes(), run(*COMPARE, "--csv", "-").out)

    def test_the_seed_moves_dynamic_routing_and_nothing_else(self):
        def times(*words):
            return [one["iteration_seconds"] for one in answer(*COMPARE, *words)["runs"]]

        self.assertEqual(times(), times("--seed", "1"))
        self.assertNotEqual(times("--seed", "1"), times("--seed", "2"))
        for routing in ("uniform", "measured"):
            self.assertEqual(times("--routing", routing, "--seed", "1"),
                             times("--routing", routing, "--seed", "2"))

    def test_a_preset_and_its_config_are_one_model(self):
        path = model_file(self)
        preset, own = compare_times("llama-moe"), compare_times(str(path))
        self.assertEqual(preset, own)


def compare_times(model):
    runs = answer("compare", "--model", model, "--gpus", "128", "--tp", "1", "--pp", "4", "--ep",
                  "16", "--micro-batch-size", "4", "--global-batch-size", "512")["runs"]
    return [one["iteration_seconds"] for one in runs]


class PipesTest(ProgramTest):
    def test_no_control_codes_outside_a_terminal(self):
        for words in EVERY_COMMAND + [["--help"], ["compare", "--help"], ["--version"]]:
            result = run(*words, env={**os.environ, "TERM": "xterm-256color"})
            self.assertEqual((result.status, result.err), (0, b""), str(result))
            text = result.out.decode()
            self.assertTrue(all(c >= " " or c == "\n" for c in text), words)

    def test_a_terminal_gets_the_best_in_bold_unless_told_not_to(self):
        for extra, bold in (({}, True), ({"NO_COLOR": "1"}, False)):
            environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
            master, slave = pty.openpty()
            with subprocess.Popen([program.PROGRAM, *COMPARE], stdout=slave,
                                  stderr=subprocess.DEVNULL, env={**environment, **extra}) as child:
                os.close(slave)
                text = b""
                while True:
                    try:
                        block = os.read(master, 65536)
                    except OSError:  # EIO: the other end is closed
                        break
                    if not block:
                        break
                    text += block
                os.close(master)
                self.assertEqual(child.wait(), 0)
            self.assertEqual(b"\x1b[1m" in text, bold)

    def test_help_shows_an_example_and_every_flag(self):
        for words in EVERY_COMMAND:
            text = run(words[0], "--help").out.decode()
            self.assertIn("Example", text)
            self.assertIn(f"mixnet {words[0]}", text)
            self.assertIn("--json", text)
            self.assertTrue(all(len(line) <= 120 for line in text.split("\n")), words[0])
        self.assertEqual(run("--help").status, 0)
        for words in EVERY_COMMAND:
            self.assertIn(f"  {words[0]} ", run("--help").out.decode())

    def test_a_reader_that_goes_away_is_no_crash(self):
        with subprocess.Popen([program.PROGRAM, "cost"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as child:
            child.stdout.close()
            child.stderr.read()
            self.assertIn(child.wait(), (0, 2, -13))


if __name__ == "__main__":
    program.main()
