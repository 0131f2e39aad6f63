"""`python3 -m mixnet.profile`: its logic, on the CPU and with tiny shapes; and that `mixnet compute` takes
what it writes. What is timed needs a Python with PyTorch: $MIXNET_TORCH_PYTHON, or this one."""

import json
import os
import pathlib
import subprocess
import sys

import program
from python_package import ENVIRONMENT, mixnet  # noqa: F401 (found, or the test ends)

import numpy  # pylint: disable=wrong-import-order
from mixnet import profile

PYTHON = os.environ.get("MIXNET_TORCH_PYTHON", sys.executable)
PATHS = [ENVIRONMENT["PYTHONPATH"], str(pathlib.Path(numpy.__file__).parent.parent)]
GROUPED = {"hidden_size": 64, "vocab_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
           "num_hidden_layers": 2, "num_local_experts": 4, "num_experts_per_tok": 2,
           "intermediate_size": 96, "model_type": "mixtral"}
LATENT = {"hidden_size": 64, "vocab_size": 128, "num_attention_heads": 4, "num_key_value_heads": 4,
          "num_hidden_layers": 2, "n_routed_experts": 4, "n_shared_experts": 1, "num_experts_per_tok": 2,
          "intermediate_size": 128, "moe_intermediate_size": 32, "q_lora_rank": 24, "kv_lora_rank": 16,
          "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16, "first_k_dense_replace": 1,
          "model_type": "deepseek_v3"}
FAST = ["--device", "cpu", "--repeat", "2", "--warm-up", "1", "--seq", "32", "--micro-batch", "2",
        "--tp", "1,2", "--ep", "2", "--operations", "attention,gate,permute,experts,head"]


def run(*words, python=sys.executable):
    return subprocess.run([python, "-m", "mixnet.profile", *map(str, words)], capture_output=True,
                          timeout=250 * program.SLOWDOWN, check=False,
                          env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(PATHS)})


def has_torch():
    try:
        done = subprocess.run([PYTHON, "-c", "import numpy, torch, mixnet"], capture_output=True,
                              timeout=120, check=False,
                              env={**ENVIRONMENT, "PYTHONPATH": os.pathsep.join(PATHS)})
    except OSError:
        return False
    return done.returncode == 0


class ProfileTest(program.ProgramTest):
    def test_shapes_of_configs(self):
        grouped = profile.read_shapes(GROUPED, "c")
        self.assertEqual((grouped.query, grouped.kv_heads, grouped.experts, grouped.width, grouped.kv_rank),
                         (16, 2, 4, 96, 0))
        latent = profile.read_shapes(LATENT, "c")
        self.assertEqual((latent.query, latent.value, latent.width, latent.q_rank, latent.kv_rank),
                         (24, 16, 32, 24, 16))
        for name in ("mixtral-8x7b", "deepseek-v3", "qwen3-235b-a22b", "olmoe-1b-7b"):
            config = json.loads((program.DATA / "models" / f"{name}.json").read_text(encoding="utf-8"))
            told = program.answer("models", name)["models"][0]
            shapes = profile.read_shapes(config, name)
            self.assertEqual((shapes.hidden, shapes.experts, shapes.top_k),
                             (told["hidden"], told["experts"], told["top_k"]))

    def test_ep_is_what_a_server_may_have(self):
        self.assertEqual([profile.usual_ep(experts) for experts in (1, 4, 7, 8, 60, 128, 11)],
                         [1, 4, 7, 8, 6, 8, 1])

    def test_mistakes_are_one_line(self):
        for content, words, said in [("{", [], "Expecting property name"), ("[]", [], "is no table"),
                                     ("{}", [], "has no key 'num_attention_heads'"),
                                     (json.dumps({**GROUPED, "hidden_size": "x"}), [], "'x' is no size")]:
            done = run("--model", self.file("c.json", content), "--output", self.folder / "o.csv", *words)
            self.assertEqual((done.returncode, done.stdout, done.stderr.count(b"\n")), (2, b"", 1), done)
            self.assertIn(said, done.stderr.decode())
        done = run("--model", "none.json", "--output", self.folder / "o.csv")
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (2, 1), done)
        self.assertEqual(run("--model", "x", "--output", "y", "--tp", "0").returncode, 2)
        self.assertFalse((self.folder / "o.csv").exists())

    def test_what_is_measured_is_what_compute_takes(self):
        if not has_torch():
            self.skipTest(f"{PYTHON} has no PyTorch (set MIXNET_TORCH_PYTHON)")
        for config in (GROUPED, LATENT):
            model = self.file("tiny.json", json.dumps(config))
            times = self.folder / "times.csv"
            done = run("--model", model, "--output", times, *FAST, python=PYTHON)
            self.assertEqual(done.returncode, 0, done.stderr.decode())
            rows = program.answer("compute", "--operations", times)["rows"]
            self.assertEqual([row["operation"] for row in rows],
                             ["attention"] * 2 + ["gate", "permute"] + ["experts"] * 2 + ["head"] * 2)
            self.assertEqual([row["tokens"] for row in rows], [64, 64, 64, 128, 128, 128, 64, 64])
            for row in rows:
                self.assertGreater(row["forward_ms"], 0)
                self.assertGreater(row["backward_ms"], 0)

    def test_experts_that_do_not_divide(self):
        if not has_torch():
            self.skipTest(f"{PYTHON} has no PyTorch (set MIXNET_TORCH_PYTHON)")
        done = run("--model", self.file("tiny.json", json.dumps(GROUPED)), "--output", self.folder / "o.csv",
                   *FAST, "--ep", "3", "--operations", "experts", python=PYTHON)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--ep: 3 does not divide the 4 experts", done.stderr.decode())
        self.assertFalse((self.folder / "o.csv").exists())


if __name__ == "__main__":
    program.main()
