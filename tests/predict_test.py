"""`mixnet predict`: scores of every predictor on generated, fixed and recorded routing; bad input."""

import os
import pathlib

import program
from program import ProgramTest, SLOWDOWN, answer, run

TRACE = pathlib.Path(os.environ.get("MIXNET_SHARED_DATA_DIR", "")) / \
    "routing_mixtral_8x7b_humaneval.csv"
MADE_UP_TRACE = pathlib.Path(__file__).resolve().parent / "data" / "routing_recording.csv"
NAMES = ["uniform", "previous layer", "previous iteration", "published", "copilot", "oracle"]
KEYS = ["schema", "routing", "model", "ep", "experts", "layers", "seed", "window", "allocator",
        "degree", "eps_nics", "bandwidth_bps", "iterations", "warm_up", "gates_scored",
        "predictors"]
TOPS = ["top1_accuracy", "top2_accuracy", "top4_accuracy"]
BASELINES = ["uniform", "previous layer", "previous iteration", "published"]


def small_trace(tokens, experts=8):
    """Every token alternates between two experts, layer by layer."""
    rows = [f"0,{t},{layer},{(t + layer) % experts},{(t + layer + 1) % experts}"
            for t in range(tokens) for layer in range(2)]
    return "\n".join(["sequence,token,layer,expert0,expert1", *rows, ""])


class PredictTest(ProgramTest):
    def predict(self, routing, *words):
        document = answer("predict", "--routing", routing, *words)
        self.assertEqual(list(document), KEYS)
        self.assertEqual(document["schema"], "mixnet.predict/1")
        scores = {score["name"]: score for score in document["predictors"]}
        self.assertEqual(list(scores), NAMES)
        for score in scores.values():
            self.assertEqual(list(score), ["name", *TOPS, "load_error", "all_to_all_ps", "regret"])
            for key in [*TOPS, "load_error"]:
                self.assertTrue(0 <= score[key] <= 1 + 1e-12, score)
        oracle = scores["oracle"]
        self.assertEqual([oracle[top] for top in TOPS], [1, 1, 1])
        self.assertEqual((oracle["load_error"], oracle["regret"]), (0, 0))
        return document, scores

    def no_worse(self, scores):
        """In no score is ours behind any baseline."""
        for name in BASELINES:
            for top in TOPS:
                self.assertGreaterEqual(scores["copilot"][top], scores[name][top], (name, top))
            self.assertLessEqual(scores["copilot"]["load_error"],
                                 scores[name]["load_error"] + 1e-9, name)
            self.assertLessEqual(scores["copilot"]["regret"], scores[name]["regret"] + 1e-6, name)

    def test_generated(self):
        document, scores = self.predict("dynamic", "--iterations", "100", "--seed", "3")
        self.assertEqual((document["iterations"], document["warm_up"], document["gates_scored"]),
                         (100, 20, 80 * 31))
        published = scores["published"]
        for name in ["uniform", "previous layer"]:
            self.assertGreater(published["top2_accuracy"], scores[name]["top2_accuracy"] + 0.2)
        self.assertLess(published["regret"], scores["previous layer"]["regret"] / 2)
        self.no_worse(scores)

    def test_fixed(self):
        for routing in ["measured", "uniform"]:
            _, scores = self.predict(routing, "--iterations", "10")
            self.no_worse(scores)
            self.assertLess(scores["copilot"]["load_error"], 1e-9)

    def test_recorded(self):
        for trace in [path for path in (TRACE, MADE_UP_TRACE) if path.exists()]:
            document, scores = self.predict(f"trace:{trace}")
            self.assertEqual((document["iterations"], document["warm_up"]), (20, 10))
            for name in ["uniform", "previous layer"]:
                self.assertGreater(scores["published"]["top2_accuracy"],
                                   scores[name]["top2_accuracy"] + 0.15)
            self.no_worse(scores)

    def test_flags(self):
        trace = self.file("trace.csv", small_trace(40))
        document, _ = self.predict(f"trace:{trace}", "--tokens", "8", "--warm-up", "2")
        self.assertEqual((document["iterations"], document["warm_up"]), (5, 2))
        document, _ = self.predict(f"trace:{trace}", "--tokens", "8", "--iterations", "3",
                                   "--window", "2", "--ep", "4", "--allocator", "greedy")
        self.assertEqual((document["iterations"], document["warm_up"], document["window"],
                          document["ep"], document["allocator"]), (3, 1, 2, 4, "greedy"))

    def test_table_and_file(self):
        path = self.folder / "scores.json"
        words = ["predict", "--routing", "dynamic", "--iterations", "5", "--json", path]
        result = run(*words)
        self.assertEqual((result.status, result.err), (0, b""), str(result))
        table = result.out.decode().splitlines()
        self.assertEqual(table[0].split(), ["predictor", "top-1", "top-2", "top-4", "load",
                                            "error", "all-to-all", "regret"])
        self.assertEqual([line[:18].strip() for line in table[1:7]], NAMES)
        first = path.read_bytes()
        again = run("predict", "--routing", "dynamic", "--iterations", "5", "--json", "-")
        self.assertEqual(again.out, first)

    def test_bad_input(self):
        trace = self.file("trace.csv", small_trace(20))
        broken = self.file("broken.csv", "sequence,token,layer,expert0\n0,0,0,x\n")
        odd = self.file("odd.csv", small_trace(40, experts=5))
        for words, *said in [
                (["--routing", "dinamic"], "dinamic", "did you mean 'dynamic'?"),
                (["--routing", "trace:"], "names no file"),
                (["--routing", "trace:nowhere.csv"], "nowhere.csv"),
                (["--routing", f"trace:{broken}"], "broken.csv:2", "'x'"),
                (["--routing", f"trace:{odd}"], "odd.csv", "5 experts"),
                (["--routing", f"trace:{trace}", "--tokens", "11"], "1 full windows of 11 tokens",
                 "--tokens"),
                (["--routing", f"trace:{trace}", "--tokens", "0"], "--tokens", "out of range"),
                (["--routing", f"trace:{trace}", "--tokens", "5", "--warm-up", "4"], "--warm-up",
                 "4 of 4 iterations"),
                ([], "--routing"),
                (["--routing", "dynamic", "--ep", "3"], "EP 3"),
                (["--routing", "dynamic", "--ep", "0"], "--ep", "give 1 to 8"),
                (["--routing", "dynamic", "--iterations", "1"], "--iterations"),
                (["--routing", "dynamic", "--window", "0"], "--window", "1 to 1000"),
                (["--routing", "dynamic", "--warm-up", "200"], "--warm-up"),
                (["--routing", "dynamic", "--allocator", "gredy"], "did you mean 'greedy'?"),
                (["--routing", "dynamic", "--model", "mixtral"], "mixtral"),
                (["--routing", "dynamic", "--seed", "-1"], "--seed")]:
            with self.subTest(" ".join(words)):
                result = run("predict", *words, timeout=20)
                self.assertEqual((result.status, result.out), (2, b""), str(result))
                line = result.err.decode()
                self.assertTrue(line.startswith("mixnet: ") and line.count("\n") == 1, line)
                for word in said:
                    self.assertIn(word, line)
                self.assertLess(result.cpu_seconds, 2 * SLOWDOWN)


if __name__ == "__main__":
    program.main()
