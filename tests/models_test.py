"""config.json files of many families: counts to the parameter, spellings, encodings, names, refusals."""

import json
import os
import pathlib
import threading

import program
from program import DATA, ProgramTest, answer, run

HERE = pathlib.Path(__file__).resolve().parent
# What scripts/compare_model_counts.py --write left: transformers' configurations, and what its models hold.
OF_THE_LIBRARY = json.loads((HERE / "data" / "model_configs.json").read_text(encoding="utf-8"))
# Models as their authors published them, for families that transformers does not build as they are, and in
# other spellings: parameters in all and active, rounded unless `exact`. Sizes are from their config.json.
PUBLISHED = json.loads((HERE / "data" / "published_models.json").read_text(encoding="utf-8"))
MIXTRAL = {key: value for key, value in
           json.loads((DATA / "models" / "mixtral-8x7b.json").read_text(encoding="utf-8")).items() if key != "mixnet"}
MIXTRAL_COUNT = 46_702_792_704


class ModelsTest(ProgramTest):
    def model(self, config, name="config.json"):
        content = config if isinstance(config, (str, bytes)) else json.dumps(config)
        return answer("models", self.file(name, content))["models"][0]

    def refusal(self, config, *words):
        content = config if isinstance(config, (str, bytes)) else json.dumps(config)
        result = run("models", self.file("config.json", content))
        self.assertEqual((result.status, result.out, result.err.count(b"\n")), (2, b"", 1), str(result))
        for word in words:
            self.assertIn(word, result.err.decode(), str(result))

    def test_counts_are_the_librarys(self):
        self.assertGreaterEqual(len({one["config"]["model_type"] for one in OF_THE_LIBRARY.values()}), 30)
        for label, one in OF_THE_LIBRARY.items():
            with self.subTest(label):
                model = self.model(one["config"])
                self.assertEqual({block: model["parameters"][block]["total"] for block in one["counts"]},
                                 one["counts"])
                self.assertEqual(model["total_parameters"], sum(one["counts"].values()))
                self.assertLessEqual(model["active_parameters"], model["total_parameters"])

    def test_counts_are_the_published_ones(self):
        for label, one in PUBLISHED.items():
            with self.subTest(label):
                model = self.model(one["config"])
                if one["exact"]:
                    self.assertEqual(model["total_parameters"], one["published"])
                self.assertAlmostEqual(model["total_parameters"] / one["published"], 1, delta=0.02)
                if one["active"]:
                    self.assertAlmostEqual(model["active_parameters"] / one["active"], 1, delta=0.10)

    def test_spellings_that_only_some_files_have(self):
        jetmoe = PUBLISHED["JetMoE-8B"]["config"]
        own = {"model_type": "jetmoe", "hidden_size": 2048, "num_hidden_layers": 24, "vocab_size": 32000,
               "num_key_value_heads": 16, "kv_channels": 128, "ffn_hidden_size": 5632, "moe_num_experts": 8,
               "moe_top_k": 2, "tie_word_embeddings": True}
        self.assertEqual(self.model(own)["parameters"], self.model(jetmoe)["parameters"])
        m2 = OF_THE_LIBRARY["MiniMax-M2"]
        own = m2["config"] | {"model_type": "minimax", "architectures": ["MiniMaxM2ForCausalLM"],
                              "attn_type_list": [1] * 62}
        self.assertEqual(self.model(own)["total_parameters"], sum(m2["counts"].values()))
        for absent in ({}, {"num_key_value_heads": None}):
            config = {key: value for key, value in MIXTRAL.items() if key != "num_key_value_heads"} | absent
            keys = 32 if absent else 8  # null is one per head; what is left out is what the class has
            self.assertEqual(self.model(config)["parameters"]["attention"]["total"],
                             32 * 4096 * 128 * (2 * 32 + 2 * keys))

    def test_encodings_and_what_python_writes(self):
        text = json.dumps(MIXTRAL | {"a": float("inf"), "b": [float("-inf"), float("nan")], "c": "Infinity \"NaN"})
        for content in (text, "\ufeff" + text):
            for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
                self.assertEqual(self.model(content.encode(encoding))["total_parameters"], MIXTRAL_COUNT, encoding)
        self.refusal(text.replace("4096", "Infinity"), "hidden_size", "is not a number")
        self.refusal(text.replace("4096", "NaN"), "hidden_size", "is not a number")
        self.refusal(text.encode("utf-16")[:-1], "ends within a character")

    def test_a_file_that_is_no_family(self):
        self.refusal(MIXTRAL | {"model_type": "llama"}, "'llama' is a family without experts")
        self.refusal(MIXTRAL | {"model_type": "mixtrel"}, "did you mean 'mixtral'?")
        self.refusal({}, "'model_type' is missing")

    def test_what_cannot_be_simulated_is_counted_and_says_so(self):
        seen = set()
        for label, one in OF_THE_LIBRARY.items():
            model = self.model(one["config"], "model.json")
            if not model["counted_only"] or one["config"]["model_type"] in seen:
                continue
            seen.add(one["config"]["model_type"])
            for words in (["compare", "--gpus", "64"], ["predict", "--ep", "4", "--routing", "production"]):
                result = run(words[0], "--model", self.folder / "model.json", *words[1:])
                self.assertEqual((result.status, result.out), (2, b""), label)
                self.assertIn(f"can be counted and not simulated: {model['counted_only']}", result.err.decode())
        self.assertGreaterEqual(len(seen), 10)

    def test_blocks_are_printed_for_people(self):
        config = OF_THE_LIBRARY["Qwen3-Next-80B-A3B"]["config"]
        text = run("models", self.file("config.json", json.dumps(config))).out.decode()
        for line in ("attention            1541026560  1541026560", "without embeddings", "FLOPs a token at 4096 tokens",
                     "counted only, not simulated: its layers differ in how they mix tokens"):
            self.assertIn(line, text)

    def test_flops_are_the_librarys(self):
        simulated = 0
        for label, one in OF_THE_LIBRARY.items():
            for length, flops in one.get("flops", {}).items():
                with self.subTest(label, length=length):
                    file = self.file("config.json", json.dumps(one["config"]))
                    model = answer("models", file, "--seq-length", length)["models"][0]
                    self.assertIsNone(model["counted_only"])
                    ours = model["flops_per_token"]
                    self.assertEqual(ours["seq_length"], int(length))
                    self.assertAlmostEqual(ours["forward"] / flops, 1, delta=0.001)
                    self.assertEqual(ours["training"], 3 * ours["forward"])
            simulated += len(one.get("flops", {})) == 2
        self.assertGreaterEqual(simulated, 30)

    def test_sequences_that_are_none(self):
        for length in ("0", "-5", "1.5", "99999999999", ""):
            result = run("models", "mixtral-8x7b", "--seq-length", length)
            self.assertEqual((result.status, result.out, result.err.count(b"\n")), (2, b"", 1), str(result))
            self.assertIn("--seq-length", result.err.decode())

    def test_flops(self):
        """Two for every weight passed, four a head's number and token before it, half of them masked."""
        one = answer("models", "mixtral-8x7b")["models"][0]
        passed = sum(one["parameters"][block]["active"] for block in ("attention", "experts", "router", "head"))
        scores = 32 * 32 * (128 + 128) * 4096
        self.assertEqual(one["flops_per_token"],
                         {"seq_length": 4096, "forward": 2.0 * passed + scores, "training": 3 * (2.0 * passed + scores)})

    def test_names_of_the_hub_and_its_cache(self):
        for name, preset in (("mistralai/Mixtral-8x7B-v0.1", "mixtral-8x7b"),
                             ("mistralai/Mixtral-8x7B-Instruct-v0.1", "mixtral-8x7b"),
                             ("deepseek-ai/DeepSeek-V3-0324", "deepseek-v3"), ("Mixtral-8x22B-v0.1", "mixtral-8x22b"),
                             ("openai/gpt-oss-120b", "gpt-oss-120b"), ("moonshotai/Kimi-K2-Instruct", "kimi-k2"),
                             ("Qwen/Qwen1.5-MoE-A2.7B", "qwen-moe"), ("allenai/OLMoE-1B-7B-0924", "olmoe-1b-7b")):
            self.assertEqual(answer("models", name)["models"][0]["name"], preset)
        for name in ("deepseek-ai/DeepSeek-V3.2", "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "meta/Llama-4"):
            result = run("models", name)
            self.assertEqual(result.status, 2, name)
            self.assertIn("give the path of its config.json", result.err.decode())
        cache = self.folder / "models--mistralai--Mixtral-8x7B-v0.1"
        snapshot = cache / "snapshots" / ("0" * 40)
        (cache / "blobs").mkdir(parents=True)
        snapshot.mkdir(parents=True)
        blob = self.file(f"{cache.name}/blobs/1234", json.dumps(MIXTRAL))
        (snapshot / "config.json").symlink_to(pathlib.Path(blob).resolve())
        for path in (cache, snapshot, snapshot / "config.json"):
            self.assertEqual(answer("models", path)["models"][0]["name"], "Mixtral-8x7B-v0.1", path)

    def test_files_of_the_authors_own(self):
        for label, name in (("gpt-oss-120b, original/config.json", "mine/original/config.json"),
                            ("Mixtral 8x7B, params.json", "mine/params.json")):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            model = self.model(PUBLISHED[label]["config"], name)
            self.assertEqual((model["name"], model["total_parameters"]), ("mine", PUBLISHED[label]["published"]))

    def test_only_regular_files_are_read(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        writer = threading.Timer(20, lambda: os.open(pipe, os.O_RDWR | os.O_NONBLOCK))
        writer.daemon = True
        writer.start()  # so that a reader that waits ends, too
        for words in (["models", pipe], ["models", "/dev/zero"], ["compare", "--model", pipe, "--gpus", "64"]):
            result = run(*words, timeout=20)
            self.assertEqual(result.status, 2, str(result))
            self.assertIn("is not a regular file", result.err.decode())
        writer.cancel()


if __name__ == "__main__":
    program.main()
