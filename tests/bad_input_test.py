"""Bad input: whatever is wrong, one line on standard error says so, and nothing else happens.

Every case is a command line that must fail and words that its one line must hold: what was wrong, or
what would be right. `{x}` in a command line is a file of the case, made with the content given.
"""

import json
import os
import subprocess

import program
from program import DATA, PRICES, PRODUCTION_MATRIX, PUBLISHED, ProgramTest, SLOWDOWN, run

MIXTRAL = json.loads((DATA / "models" / "mixtral-8x7b.json").read_text(encoding="utf-8"))
COMPARE = ["compare", "--model", "mixtral-8x7b", "--fabric", "fat-tree"]
PLAN = ["plan", "--demand", PRODUCTION_MATRIX]
BINARY = bytes(range(256)) * 64
PRICE_HEADER = "bandwidth_gbps,transceiver,nic,eps_port,ocs_port,patch_panel_port\n"
TIMES = "model,bandwidth_gbps,fat_tree,mixnet\n"


def config(**changes):
    """A config.json of Mixtral 8x7B with keys changed (None: left out)."""
    changed = {**MIXTRAL, **changes}
    return json.dumps({key: value for key, value in changed.items() if value is not None})


def profile(forward, backward="2ms", operation="attention"):
    return json.dumps({"operations": {operation: {"forward": forward, "backward": backward}}})


class BadInputTest(ProgramTest):
    def refused(self, words, *said, **files):
        """`words` must fail as bad input does, and its line must hold all of `said`."""
        paths = {name: str(self.file(name, content)) for name, content in files.items()}
        words = [str(word).format(**paths) if "{" in str(word) else str(word) for word in words]
        with self.subTest(" ".join(words)[:200]):
            result = run(*words, timeout=20)
            self.assertEqual(result.status, 2, str(result))
            self.assertEqual(result.out, b"")
            line = result.err.decode("utf-8", errors="replace")
            self.assertTrue(line.startswith("mixnet: ") and line.endswith("\n"), line)
            self.assertEqual(line.count("\n"), 1, line)
            self.assertTrue(all(c >= " " for c in line[:-1]), repr(line))
            for words_said in said:
                self.assertIn(words_said, line)
            self.assertLess(result.cpu_seconds, 2 * SLOWDOWN)
        left = {str(path) for path in self.folder.iterdir()}
        self.assertEqual(left, set(paths.values()), "files were left behind, or taken away")
        for path in paths.values():
            os.unlink(path)

    def test_commands_and_flags(self):
        self.refused([], "names no command", "compare", "plan")
        self.refused([""], "no such command")
        self.refused(["comapre"], "comapre: no such command", "did you mean 'compare'?")
        self.refused(["--versio"], "--versio: no such flag", "did you mean '--version'?")
        self.refused(["gpus", "h100"], "h100: was not expected")
        self.refused(["fabrics", "--jso", "-"], "--jso: no such flag", "did you mean '--json'?")
        self.refused([*COMPARE, "--bandwith", "100Gbps"], "did you mean '--bandwidth'?")
        self.refused([*COMPARE, "--json"], "--json")
        self.refused([*COMPARE, "--model", "qwen-moe"], "--model")
        self.refused(["compare"], "--model: is required")
        self.refused(["plan"], "--demand: is required")
        self.refused(["validate"], "needs --published or --training")

    def test_failures(self):
        small = ["compare", "--model", "mixtral-8x7b", "--gpus", "256", "--fabric", "mixnet"]
        for bad, said in (("nic:3", "as in nic:3.1"), ("nic:32.0", "there is no server 32"),
                          ("nic:0.8", "there is no NIC 8"), ("gpu:256", "there is no rank 256"),
                          ("server:32", "there is no server 32"), ("ocs:8", "there is no region 8"),
                          ("serve:3", "did you mean 'server'?"), ("nic:3.1@5", "5"),
                          ("nic:3.1@-1s", "-1s"), ("link:tor-up.999", "no fabric here has that link"),
                          ("link:leaf-up.0", "no fabric here has that link"), ("", "is empty"),
                          ("link:tor_up.1", "did you mean 'tor-up'?"),
                          ("gpu:0,gpu:4,gpu:8", "fail the server instead")):
            self.refused([*small, "--fail", bad], "--fail", said)
        self.refused([*small, "--backup", "pol"], "--backup", "did you mean 'pool'?")
        self.refused([*small, "--outage", "10"], "--outage")
        self.refused([*small, "--outage", "2h"], "--outage")
        self.refused([*small, "--spare-nics", "9"], "--spare-nics", "give 1 to 8")
        # Nothing left to reach the others by: no optics, and both electrical NICs gone.
        self.refused([*small, "--fail", "nic:3.6,nic:3.7,ocs:0"], "server 3 has no NIC left")

    def test_task_graphs(self):
        simulate = ["simulate", "--fabric", "ideal", "--task-graph"]
        self.refused(["simulate", "--fabric", "ideal"], "simulate: names nothing")
        self.refused(["simulate", "--task-graph", "g.fbuf"], "--fabric: is required")
        self.refused([*simulate, "none.fbuf"], "none.fbuf: no such file")
        self.refused([*simulate, "{g}"], "is no FlexFlow task graph", g=BINARY)
        self.refused([*simulate, "{g}"], "is no FlexFlow task graph", g="")
        self.refused([*simulate, "{g}", "--routing", "mesured"], "is no FlexFlow", g=BINARY)
        self.refused([*simulate, "{g}", "--hosts", "-1"], "--hosts", g=BINARY)
        self.refused([*simulate, "{g}", "--mtu", "10"], "--mtu", g=BINARY)
        self.refused([*simulate, "{g}", "--reconfiguration-delay", "2h"],
                     "--reconfiguration-delay", g=BINARY)
        self.refused(["simulate", "--fabric", "toptopt", "--task-graph", "{g}"],
                     "did you mean 'topoopt'?", g=BINARY)
        self.refused(["convert"], "convert", "give its file")
        self.refused(["convert", "{g}"], "--to", "is required", g=BINARY)
        self.refused(["convert", "{g}", "--to", "dott"], "did you mean 'dot'?", g=BINARY)
        self.refused(["convert", "{g}", "--to", "dot"], "is no FlexFlow task graph", g=BINARY)
        self.refused(["convert", "{g}", "--to", "dot", "--output", "{g}/x"], "cannot be", g=BINARY)

    def test_numbers(self):
        for flag in ("--gpus", "--tp", "--pp", "--ep", "--micro-batch-size", "--global-batch-size",
                     "--seq-length", "--gpus-per-server"):
            for bad in ("-8", "0"):
                self.refused([*COMPARE, flag, bad], f"{flag}: {bad} is out of range", "give")
            for bad in ("1e3", "1.5", "eight", "0x8", "8 "):
                self.refused([*COMPARE, flag, bad], f"{flag}: '{bad}' is not a whole number")
            for bad in ("99999999999999999999", "9223372036854775807", "2147483648", "2147483647"):
                self.refused([*COMPARE, flag, bad], flag, bad, "out of range")
        self.refused([*COMPARE, "--gpus", ""], "--gpus: is empty")
        for bad in ("-1", "1.5", "x"):
            self.refused([*COMPARE, "--seed", bad], f"--seed: '{bad}' is not a whole number")
        self.refused([*COMPARE, "--seed", "18446744073709551616"], "--seed", "out of range")
        for flag in ("--compute-scale", "--oversubscription"):
            for bad in ("nan", "inf", "x", "1e999"):
                self.refused([*COMPARE, flag, bad], f"{flag}: '{bad}' is not a number")
            for bad in ("0", "-1", "1e9"):
                self.refused([*COMPARE, flag, bad], flag, "out of range")
        self.refused([*COMPARE, "--gradient-bytes", "3"], "--gradient-bytes: 3")
        self.refused([*COMPARE, "--flows-per-pair", "0"], "--flows-per-pair: 0 is out of range")
        self.refused([*COMPARE, "--nics-per-server", "3"], "--nics-per-server: 3 does not divide")
        for bad in ("-1", "8", "2147483647"):
            self.refused([*COMPARE, "--degree", bad], f"--degree: {bad}", "give 0 to 7")

    def test_quantities_with_units(self):
        for bad, said in (("400", "has no unit; write it as '400Gbps'"), ("-400Gbps", "negative"),
                          ("0Gbps", "too slow"), ("400GB", "unknown unit 'GB'"),
                          ("nanGbps", "not finite"), ("infGbps", "not finite"),
                          ("1e30Gbps", "too large"), ("Gbps", ""), ("", "empty"), (",", "empty"),
                          ("100Gbps,", "empty element"), ("100Gbps,100Gbps", "twice")):
            self.refused([*COMPARE, "--bandwidth", bad], said)
        self.assertIn(b"Without costs: 300 Gb/s. ", run(*COMPARE, "--bandwidth", "300Gbps").out)
        for bad, said in (("25", "has no unit; write it as '25ms'"), ("-25ms", "negative"),
                          ("1000s", "too long"), ("1e30s", "too large"), ("25m", "unknown unit"),
                          ("", "empty")):
            self.refused([*COMPARE, "--reconfiguration-delay", bad], "--reconfiguration-delay", said)

    def test_names(self):
        for words, said in (
                (["compare", "--model", "mixtal-8x7b"], "did you mean 'mixtral-8x7b'?"),
                (["models", "qwen-mo"], "did you mean 'qwen-moe'?"),
                ([*COMPARE, "--gpu", "h10"], "did you mean 'h100'?"),
                (["compare", "--model", "qwen-moe", "--fabric", "fattree"],
                 "did you mean 'fat-tree'?"),
                (["cost", "--fabric", "mixnet,topopt"], "did you mean 'topoopt'?"),
                ([*COMPARE, "--routing", "dynamc"], "did you mean 'dynamic'?"),
                ([*COMPARE, "--reconfiguration", "hiden"], "did you mean 'hidden'?"),
                ([*COMPARE, "--ep-split", "balance"], "did you mean 'balanced'?"),
                ([*COMPARE, "--paths", "sprey"], "did you mean 'spray'?"),
                ([*COMPARE, "--ep-nics", "rial"], "rail, own"),
                ([*COMPARE, "--ep-steps", "pipeline"], "did you mean 'pipelined'?"),
                ([*COMPARE, "--schedule", "gpipe"], "1f1b, eager-1f1b"),
                (["plan", "--demand", PRODUCTION_MATRIX, "--allocator", "gredy"],
                 "did you mean 'greedy'?"),
                (["plan", "--demand", PRODUCTION_MATRIX, "--budget", "-1"], "--budget"),
                ([*COMPARE, "--fidelity", "packets"], "did you mean 'packet'?"),
                ([*COMPARE, "--fidelity", "auto", "--shortcuts", "all"], "reuse, steady, fluid"),
                ([*COMPARE, "--fidelity", "packet", "--shortcuts", "steady"], "--fidelity auto"),
                ([*COMPARE, "--shortcuts", "steady"], "is no part of fluid fidelity; use --fidelity auto"),
                ([*COMPARE, "--packet-budget", "many"], "such as 300M"),
                ([*COMPARE, "--packet-budget", "0"], "such as 300M"),
                ([*COMPARE, "--transport", "tcp"], "dctcp"),
                ([*COMPARE, "--mtu", "70000"], "256 to 65535"),
                ([*COMPARE, "--mtu", "-9000"], "--mtu"),
                ([*COMPARE, "--header", "9000"], "at most half the MTU"),
                ([*COMPARE, "--ack-bytes", "0"], "from 1 to the MTU"),
                ([*COMPARE, "--queue", "100"], "--queue"),
                ([*COMPARE, "--queue", "10kB"], "at least two packets"),
                ([*COMPARE, "--ecn-threshold", "0B"], "--ecn-threshold"),
                ([*COMPARE, "--initial-window", "0"], "1 to 1000000"),
                ([*COMPARE, "--time-out", "1us"], "10us to 10s"),
                ([*COMPARE, "--time-out", "10us", "--fidelity", "packet"],
                 "no more than a round trip of"),
                ([*COMPARE, "--dp-overlap", "yes"], "on, off"),
                ([*COMPARE, "--tp-collective", "allreduce"], "did you mean 'all-reduce'?"),
                (["cost", "--server-link", "ofc"], "optics, dac, aoc"),
                (["validate", "--published", PUBLISHED, "--gpu", "h2000"], "did you mean 'h200'?"),
                ([*COMPARE, "--fabric", "mixnet,mixnet"], "--fabric"),
                (["cost", "--fabric", "mixnet,mixnet"], "--fabric: names one of them twice"),
                (["cost", "--fabric", "ideal"], "'ideal' has no cost"),
                ([*COMPARE, "--gpu", "h100\nmixnet: all is well"], "not known"),
                ([*COMPARE, "--gpu", "\x1b[31mred"], "not known")):
            self.refused(words, said)

    def test_impossible_plans(self):
        for words, said in ((["--gpus", "1000"], "1000 GPUs cannot be divided by tp x pp"),
                            (["--tp", "3"], "cannot be divided"), (["--pp", "64"], "32 layers"),
                            (["--ep", "3"], "does not divide the model's 8 experts"),
                            (["--ep", "16"], "does not divide the model's 8 experts"),
                            (["--global-batch-size", "7"], "global batch 7 cannot be divided"),
                            (["--gpus-per-server", "7"], "not whole servers of 7"),
                            (["--gpus", "64", "--tp", "8", "--pp", "8", "--ep", "8"], "dp 1")):
            self.refused([*COMPARE, *words], "parallel plan: ", said, "nearest possible: --gpus ")
        self.refused(["validate", "--published", PUBLISHED, "--gpus", "1000"], "nearest possible")

    def test_fabrics_of_domains(self):
        nvl72 = ["compare", "--model", "mixtral-8x7b", "--fabric", "nvl72"]
        optical = [*nvl72[:-1], "mixnet-optical-io"]
        for flag in ("--gpu-bandwidth", "--optical-io"):
            for bad, said in (("8000", "has no unit; write it as '400Gbps'"), ("", "empty"),
                              ("-8Tbps", "negative"), ("nanTbps", "not finite"),
                              ("8TB", "unknown unit"), ("1e30Tbps", "too large")):
                self.refused([*optical, flag, bad], flag, said)
        for words, said in (
                ([*nvl72, "--gpu-bandwidth", "400Gbps"], "leaves nothing beside its NIC of 400 Gb/s"),
                ([*nvl72, "--gpu-bandwidth", "0Gbps"], "leaves nothing"),
                ([*nvl72, "--gpu-bandwidth", "1Tbps", "--bandwidth", "400Gbps,1.6Tbps"], "1.6 Tb/s"),
                ([*nvl72, "--gpu-bandwidth", "2000Tbps"], "--gpu-bandwidth"),
                ([*nvl72, "--bandwidth", "2000Tbps"], "--bandwidth: "),
                ([*optical, "--optical-io", "3.6Tbps"], "leave no scale-up bandwidth of 4 Tb/s"),
                ([*optical, "--optical-io", "0Gbps"], "no optical I/O"),
                ([*optical, "--gpu-bandwidth", "1Tbps", "--optical-io", "700Gbps"], "--optical-io"),
                ([*optical, "--optical-lanes", "0"], "--optical-lanes: 0 is out of range"),
                ([*optical, "--optical-lanes", "65"], "from 1 to 64"),
                ([*optical, "--optical-lanes", "-1"], "--optical-lanes"),
                ([*optical, "--optical-lanes", "four"], "not a whole number"),
                ([*optical, "--nics-per-server", "8"], "8 NICs for 64 GPUs"),
                ([*nvl72, "--nics-per-server", "32"], "nvl72 has one a GPU"),
                ([*nvl72, "--gpus-per-server", "128"], "an nvl72 domain has no 128 GPUs"),
                ([*nvl72, "--gpus", "1000"], "nearest possible: --gpus "),
                ([*nvl72[:-1], "nvl71"], "did you mean 'nvl72'?"),
                (["cost", "--fabric", "mixnet,nvl72"], "'nvl72' has no cost"),
                (["cost", "--fabric", "mixnet-optical-io"], "no prices of it are published")):
            self.refused(words, said)
        self.refused(["validate", "--published", "{x}"], "'nvl72' is made of domains",
                     x="model,bandwidth_gbps,nvl72\nqwen-moe,100,1\n")

    def test_model_files(self):
        model = ["compare", "--model", "{x}"]
        self.refused(["compare", "--model", "no/such/config.json"], "no/such/config.json")
        self.refused(["compare", "--model", "."], "holds no config.json")
        for content, said in (("", "JSON ends too early"), (config()[:300], "JSON ends too early"),
                              (BINARY, "not valid JSON"), ("[1, 2]", "is not an object"),
                              ("[" * 100000, ""), ("{}", "key 'model_type' is missing"),
                              (config(hidden_size="4096"), "key 'hidden_size'"),
                              (config(hidden_size=-4096), "key 'hidden_size'"),
                              (config(hidden_size=40.5), "not a whole number"),
                              (config(hidden_size=1e30), "not a whole number up to"),
                              (config(hidden_size=[4096]), "key 'hidden_size'"),
                              (config(num_hidden_layers=None), "'num_hidden_layers' is missing"),
                              (config(num_hidden_layers=10**8), "not a whole number up to"),
                              (config(num_experts_per_tok=9), "9 experts a token"),
                              (config(model_type="gpt2"), "a family without experts"),
                              (config(model_type="sparsest"), "known: mixtral"),
                              (config(model_type=7), "is not a string")):
            self.refused(model, "x", said, x=content)

    def test_demands(self):
        plan = ["plan", "--demand", "{x}"]
        self.refused(["plan", "--demand", "no/such.csv"], "no/such.csv: no such file")
        self.refused(["plan", "--demand", "."], "is a folder")
        for content, said in (("", "holds no values"), ("1,2,3\n4,5,6\n", "not square"),
                              ("1,2\n3\n", "x:2: has 1 values"), ("0,nan\n1,0\n", "not finite"),
                              ("0,inf\n1,0\n", "not finite"), ("0,-5\n1,0\n", "x:1 (column 2)"),
                              ("0,1.5\n1,0\n", "not whole"), ("0,1e30\n1,0\n", "over 2^53"),
                              ("a,b\n1,0\n", "not a number"), (BINARY, "x")):
            self.refused(plan, said, x=content)
        for words, said in ((["--degree", "0"], "--degree: 0"), (["--degree", "1025"], "1025"),
                            (["--eps-nics", "-1"], "--eps-nics: -1"),
                            (["--bandwidth", "0Gbps"], "--bandwidth"),
                            (["--bandwidth", "1e9Gbps"], "--bandwidth"),
                            (["--numa", "0,1"], "names 2 NICs where --degree is 6"),
                            (["--numa", "0,0,0,1,1,x"], "'x' is not the number of a NUMA node")):
            self.refused([*PLAN, *words], said)

    def test_routing_files(self):
        for kind in ("matrix", "trace"):
            self.refused([*COMPARE, "--routing", f"{kind}:"], "names no file")
            self.refused([*COMPARE, "--routing", f"{kind}:no/such.csv"], "no such file")
            self.refused([*COMPARE, "--routing", f"{kind}:."], "is a folder")
            for content in ("", BINARY, "1,2\n3\n", "nan,1\n1,1\n", "-1,2\n3,4\n", "0,0\n0,0\n",
                            "1,2,3\n4,5,6\n"):
                self.refused([*COMPARE, "--routing", kind + ":{x}"], "x", x=content)

    def test_prices(self):
        cost = ["cost", "--prices", "{x}"]
        shipped = PRICES.read_text(encoding="utf-8")
        self.refused(["cost", "--prices", "no/such.csv"], "no such file")
        self.refused(["cost", "--prices", "."], "is a folder")
        self.refused(["cost", "--bandwidth", "300Gbps"], "no prices for 300 Gb/s")
        for content, said in (
                ("", "holds no rows"), (PRICE_HEADER, "holds no rows"), (BINARY, "x"),
                ("bandwidth_gbps,transceiver,nic,eps_port,ocs_port\n400,1,2,3,4\n",
                 "no column 'patch_panel_port'"),
                (PRICE_HEADER + "400,1,2,3,4,\n", "x:2 (column 'patch_panel_port')"),
                (PRICE_HEADER + "400,1,2,3,4,-5\n", "-5 is too small"),
                (PRICE_HEADER + "400,1,2,3,4,nan\n", "'nan' is not a number"),
                (PRICE_HEADER + "400,1,2,3,4,1e300\n", "out of range"),
                (PRICE_HEADER + "400,1,2,3\n", "x:2: has 4 values"),
                (PRICE_HEADER + "400,1,1,1,1,1\n400,2,2,2,2,2\n", "400 Gb/s twice"),
                (PRICE_HEADER + "-400,1,1,1,1,1\n", "bandwidth_gbps")):
            self.refused(cost, said, x=content)
            self.refused([*COMPARE, "--prices", "{x}"], said, x=content)
        other = self.file("other.csv", shipped.replace("\n400,", "\n401,"))
        self.assertIn(b"Without costs: 400 Gb/s. ", run(*COMPARE, "--prices", other).out)
        other.unlink()
        self.refused([*COMPARE, "--prices", "{x}", "--server-link", "dac"], "dac",
                     x=PRICE_HEADER + "400,1,1,1,1,1\n")
        for words in (["--servers", "0"], ["--servers", "-1"], ["--servers", "2147483647"],
                      ["--nics-per-server", "0"], ["--eps-nics", "9"], ["--eps-nics", "-1"],
                      ["--gpus-per-server", "0"], ["--oversubscription", "0.5"]):
            self.refused(["cost", *words], words[1], "out of range")

    def test_profiles(self):
        words = [*COMPARE, "--profile", "{x}"]
        self.refused([*COMPARE, "--profile", "no/such.json"], "no such file")
        for content, said in (("", "JSON ends too early"), (BINARY, "not valid JSON"),
                              ("{}", "'operations' is missing"), ("[]", "is not an object"),
                              ('{"operations": []}', "is not an object"),
                              (profile("1ms", operation="attentoin"), "did you mean 'attention'?"),
                              (profile(1), "operations.attention.forward"),
                              (profile("1"), "has no unit"), (profile("-1ms"), "negative"),
                              (profile("1e300s"), "too large"),
                              ('{"operations": {"attention": {"forward": "1ms"}}}', "backward")):
            self.refused(words, "x", said, x=content)

    def test_published_times(self):
        words = ["validate", "--published", "{x}"]
        two = "mixtral-8x7b,100,2,3\nmixtral-8x7b,400,1,1\n"
        self.refused(["validate", "--published", "no/such.csv"], "no such file")
        self.refused(["validate", "--published", "."], "is a folder")
        self.refused(["validate", "--published", PUBLISHED, "--fit", "no/such.csv"], "no such file")
        for content, said in (
                ("", "holds no rows"), (TIMES, "holds no rows"), (BINARY, "x"),
                ("model,bandwidth_gbps\nqwen-moe,100\n", "no column for any fabric"),
                ("model,fat_tree\nqwen-moe,1\n", "no column 'bandwidth_gbps'"),
                ("model,bandwidth_gbps,fattree\nqwen-moe,100,1\n", "did you mean 'fat-tree'?"),
                (TIMES + "qwen-moe,100,1,1\n", "two are needed"),
                (TIMES + two.replace("mixtral", "mixtrl"), "did you mean 'mixtral-8x7b'?"),
                (TIMES + two + "mixtral-8x7b,100,2,3\n", "x:4 (column 'fat_tree')"),
                (TIMES + two.replace(",2,", ",two,"), "'two' is not a number"),
                (TIMES + two.replace(",2,", ",0,"), "is not a time"),
                (TIMES + two.replace(",2,", ",-2,"), "-2 is too small"),
                (TIMES + two.replace(",2,", ",nan,"), "'nan' is not a number"),
                (TIMES + two.replace(",2,", ",1e300,"), "is not a time"),
                (TIMES + two.replace(",100,", ",0,"), "too small"),
                (TIMES + two.replace(",100,", ",-100,"), "too small"),
                (TIMES + two.replace(",100,", ",1e9,"), "more than 1000 Tb/s")):
            self.refused(words, said, x=content)

    def test_answers_that_cannot_be_kept(self):
        """A bad path is found before the work, not after it."""
        for words in (["compare", "--model", "deepseek-v3"], ["cost"], PLAN, ["models"], ["gpus"],
                      ["fabrics"], ["validate", "--published", PUBLISHED]):
            self.refused([*words, "--json", "no/such/folder/x.json"], "no/such/folder/x.json")
            self.refused([*words, "--json", "."], "is a folder")
            self.refused([*words, "--json", ""], "--json: is empty")
        for words in (COMPARE, ["cost"]):
            self.refused([*words, "--csv", "no/such/folder/x.csv"], "no/such/folder/x.csv")
            self.refused([*words, "--json", "-", "--csv", "-"], "cannot both go to standard output")
            self.refused([*words, "--json", "x", "--csv", "./x"], "cannot both go to one file")

    def test_a_full_disk_is_said(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("needs /dev/full")
        self.refused([*COMPARE, "--json", "/dev/full"], "/dev/full", "No space left")
        with open("/dev/full", "wb") as full:
            done = subprocess.run([program.PROGRAM, "fabrics"], stdout=full,
                                  stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_an_old_answer_outlives_a_failure(self):
        old = self.file("old.json", "precious")
        kept = {"old": "precious"}
        for words in ([*COMPARE, "--gpus", "1000", "--json", old],
                      [*COMPARE, "--json", old, "--csv", "no/such/x.csv"],
                      ["cost", "--servers", "0", "--json", old], ["models", "xyz", "--json", old],
                      [*PLAN, "--degree", "0", "--json", old],
                      ["validate", "--published", PRICES, "--json", old]):
            result = run(*words)
            self.assertEqual((result.status, result.out), (2, b""), str(result))
            left = {path.stem: path.read_text(encoding="utf-8") for path in self.folder.iterdir()}
            self.assertEqual(left, kept, str(result))


if __name__ == "__main__":
    program.main()
