#!/usr/bin/env python3
"""Parameter counts and FLOPs of `mixnet models` beside those of HuggingFace's transformers.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install torch transformers
    /tmp/venv/bin/python scripts/compare_model_counts.py                  compares, prints a table
    /tmp/venv/bin/python scripts/compare_model_counts.py --table          as the table of docs/models.md
    /tmp/venv/bin/python scripts/compare_model_counts.py --flops          compares FLOPs a token as well
    /tmp/venv/bin/python scripts/compare_model_counts.py --flops --table  as the table of FLOPs of docs/models.md
    /tmp/venv/bin/python scripts/compare_model_counts.py --flops --write FILE   also keeps the configurations and
                                                                          their counts, for tests/models_test.py

Each configuration is made and written by the library, and its model is built on PyTorch's "meta" device,
which has shapes and no weights. Counted are all parameters, and what checkpoints hold beside them to balance
a router (buffers called ..._bias). Parts that see or hear are left out, and so are those that predict further
tokens. Parameters are compared block by block, to the last one.

FLOPs are those of one token's forward pass, of the models that MixNet simulates. PyTorch's FlopCounterMode
counts what the library's modules run on that device for a sequence: two for each multiplication of a matrix.
Attention (eager, so that its scores are there to be counted) computes all pairs of tokens; half of them are
masked, and are taken off here. Routed experts do not run, as which tokens they are given depends on data: their
FLOPs follow from the shapes of their weights, and from how many of them the library's router gives a token.

Needs build/mixnet, or $MIXNET.
"""

import argparse
import collections
import copy
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = os.environ.get("MIXNET", str(ROOT / "build" / "mixnet"))
BLOCKS = ["embeddings", "attention", "dense", "experts", "shared", "router", "norms", "head"]
LENGTHS = [1024, 8192]  # of a sequence: two, so that what grows with it is told from what does not
MOST_FLOPS_DIFFER = 0.001

QWEN_HYBRID = {"num_hidden_layers": 48}
LFM2_TYPES = ["conv", "conv", "full_attention", "conv", "conv", "conv", "full_attention", "conv"] * 3
# Label, model_type of the library, and what differs from the sizes of its configuration class.
CASES = [
    ("Mixtral 8x7B", "mixtral", {}),
    ("Mixtral 8x22B", "mixtral", {"hidden_size": 6144, "intermediate_size": 16384, "num_hidden_layers": 56,
                                  "num_attention_heads": 48}),
    ("Mixtral, multi-head", "mixtral", {"num_key_value_heads": 32, "head_dim": 96}),
    ("Qwen1.5-MoE-A2.7B", "qwen2_moe", {}),
    ("Qwen2-57B-A14B", "qwen2_moe", {"hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
                                     "num_key_value_heads": 4, "num_experts": 64, "num_experts_per_tok": 8,
                                     "moe_intermediate_size": 2560, "shared_expert_intermediate_size": 20480,
                                     "intermediate_size": 18944}),
    ("Qwen2-MoE, no shared width", "qwen2_moe", {"shared_expert_intermediate_size": 0, "mlp_only_layers": [0, 5]}),
    ("Qwen3-30B-A3B", "qwen3_moe", {"num_hidden_layers": 48, "head_dim": 128}),
    ("Qwen3-235B-A22B", "qwen3_moe", {"hidden_size": 4096, "num_hidden_layers": 94, "num_attention_heads": 64,
                                      "head_dim": 128, "moe_intermediate_size": 1536}),
    ("Qwen3-MoE, every second layer", "qwen3_moe", {"decoder_sparse_step": 2, "attention_bias": True}),
    ("DeepSeek-V2", "deepseek_v2", {"hidden_size": 5120, "intermediate_size": 12288, "num_hidden_layers": 60,
                                    "num_attention_heads": 128, "num_key_value_heads": 128,
                                    "first_k_dense_replace": 1, "n_routed_experts": 160, "n_shared_experts": 2,
                                    "num_experts_per_tok": 6, "moe_intermediate_size": 1536}),
    ("DeepSeek-V2-Lite", "deepseek_v2", {"hidden_size": 2048, "intermediate_size": 10944, "num_hidden_layers": 27,
                                         "num_attention_heads": 16, "num_key_value_heads": 16, "q_lora_rank": None,
                                         "first_k_dense_replace": 1, "num_experts_per_tok": 6,
                                         "moe_intermediate_size": 1408}),
    ("DeepSeek-V3", "deepseek_v3", {}),
    ("DeepSeek-V3, biases", "deepseek_v3", {"attention_bias": True, "num_hidden_layers": 8}),
    ("DeepSeek-V3.2", "deepseek_v32", {}),
    ("Kimi-K2.5", "kimi_k25", {"text_config": {"model_type": "deepseek_v3", "vocab_size": 163840,
                                               "n_routed_experts": 384, "num_attention_heads": 64,
                                               "num_key_value_heads": 64, "first_k_dense_replace": 1}}),
    ("GLM-4.5-Air", "glm4_moe", {"attention_bias": True, "head_dim": 128, "num_attention_heads": 96}),
    ("GLM-4.5", "glm4_moe", {"hidden_size": 5120, "num_hidden_layers": 92, "num_attention_heads": 96, "head_dim": 128,
                             "intermediate_size": 12288, "moe_intermediate_size": 1536, "n_routed_experts": 160,
                             "first_k_dense_replace": 3, "use_qk_norm": True, "attention_bias": True}),
    ("GLM-4.7-Flash", "glm4_moe_lite", {}),
    ("GLM-4.5V", "glm4v_moe", {"text_config": {"model_type": "glm4v_moe_text", "head_dim": 128}}),
    ("GLM-5", "glm_moe_dsa", {}),
    ("Llama 4 Scout", "llama4", {}),
    ("Llama 4 Maverick (text)", "llama4_text", {"num_local_experts": 128, "interleave_moe_layer_step": 2,
                                                "attention_bias": True}),
    ("gpt-oss-120b", "gpt_oss", {}),
    ("gpt-oss-20b", "gpt_oss", {"num_hidden_layers": 24, "num_local_experts": 32}),
    ("OLMoE", "olmoe", {"intermediate_size": 1024}),
    ("FlexOlmo", "flex_olmo", {}),
    ("MiniMax-M2", "minimax_m2", {}),
    ("MiniMax-Text-01", "minimax", {"hidden_size": 6144, "intermediate_size": 9216, "num_hidden_layers": 80,
                                    "num_attention_heads": 64, "num_key_value_heads": 8, "head_dim": 128,
                                    "num_local_experts": 32, "vocab_size": 200064,
                                    "layer_types": (["linear_attention"] * 7 + ["full_attention"]) * 10}),
    ("ERNIE-4.5-21B-A3B", "ernie4_5_moe", {}),
    ("ERNIE-4.5, biases", "ernie4_5_moe", {"use_bias": True, "tie_word_embeddings": False, "num_hidden_layers": 8,
                                           "moe_layer_end_index": 6}),
    ("Hunyuan-A13B", "hunyuan_v1_moe", {"vocab_size": 128167, "num_experts": 64, "moe_topk": 8, "head_dim": 128,
                                        "intermediate_size": 3072, "num_key_value_heads": 8, "pad_token_id": 0,
                                        "tie_word_embeddings": True}),
    ("Qwen3-Next-80B-A3B", "qwen3_next", QWEN_HYBRID),
    ("Qwen3.5-35B-A3B", "qwen3_5_moe", {}),
    ("Qwen3-VL-30B-A3B", "qwen3_vl_moe", {}),
    ("Qwen3-Omni (thinker)", "qwen3_omni_moe_thinker", {"text_config": {
        "model_type": "qwen3_omni_moe_text", "num_attention_heads": 32, "num_hidden_layers": 48, "head_dim": 128}}),
    ("Granite MoE", "granitemoe", {"attention_bias": True}),
    ("Granite MoE, shared", "granitemoeshared", {"shared_intermediate_size": 1024}),
    ("Granite 4 (hybrid)", "granitemoehybrid", {"layer_types": (["mamba"] * 5 + ["attention"]) * 5 + ["mamba"] * 2}),
    ("DBRX", "dbrx", {"d_model": 6144, "n_heads": 48, "n_layers": 40, "vocab_size": 100352,
                      "attn_config": {"kv_n_heads": 8, "clip_qkv": 8, "rope_theta": 500000},
                      "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4,
                                     "hidden_size": 6144}}),
    ("Phi-3.5-MoE", "phimoe", {"attention_bias": True, "lm_head_bias": True}),
    ("Jamba", "jamba", {}),
    ("Jamba, biases", "jamba", {"mamba_proj_bias": True, "num_hidden_layers": 16, "expert_layer_offset": 0}),
    ("JetMoE-8B", "jetmoe", {"num_hidden_layers": 24, "tie_word_embeddings": True}),
    ("dots.llm1", "dots1", {"hidden_size": 4096, "first_k_dense_replace": 1, "n_routed_experts": 128,
                            "n_shared_experts": 2, "num_experts_per_tok": 6}),
    ("Ling 3 hybrid", "bailing_hybrid", {}),
    ("Kimi-Linear-48B-A3B", "kimi_linear", {}),
    ("LFM2-8B-A1B", "lfm2_moe", {"layer_types": LFM2_TYPES, "num_hidden_layers": 24}),
    ("LFM2, biases", "lfm2_moe", {"layer_types": LFM2_TYPES, "num_hidden_layers": 24, "conv_bias": True}),
    ("Aria", "aria", {"text_config": {"model_type": "aria_text", "moe_num_experts": 64, "moe_topk": 6}}),
    ("Nemotron-H", "nemotron_h", {"layers_block_type": ["linear_attention", "moe", "full_attention", "moe", "mlp"] * 4}),
    ("AFMoE", "afmoe", {"num_dense_layers": 2}),
    ("EXAONE MoE", "exaone_moe", {}),
    ("Solar Open", "solar_open", {}),
    ("Hunyuan 3", "hy_v3", {}),
    ("Mellum", "mellum", {}),
    ("Laguna", "laguna", {}),
    ("Mistral 4", "mistral4", {}),
    ("Switch Transformer base-8", "switch_transformers", {"num_sparse_encoder_layers": 6,
                                                          "num_sparse_decoder_layers": 6, "d_ff": 3072}),
    ("NLLB-MoE 54B", "nllb-moe", {"d_model": 2048, "encoder_layers": 24, "decoder_layers": 24,
                                  "encoder_ffn_dim": 8192, "decoder_ffn_dim": 8192, "vocab_size": 256206}),
]

NOT_SHAPES = re.compile(r"vision_config|audio_config|_token_id|_token_index|^rope|dropout|initializer|_eps$|aux_loss|label|"
                        r"max_position|output_|use_cache|problem_type|return_dict|chunk_size|dtype|hidden_act|version")
NOT_TEXT = re.compile(r"visual|vision|audio|multi_modal|projector|talker|code2wav|mm_|\bmtp\b")
LAYER = re.compile(r"(?:^|\.)(?:layers|block|blocks|h)\.\d+\.(.*)")
LAYER_NORM = re.compile(r"(layer\.\d+\.)?(norm_attn_norm\.)?\w*norm\w*(\.\d+)?\.(weight|bias)$")
JETMOE = re.compile(r"mlp\.(bias|input_linear\.weight|output_linear\.weight)$")
IN_LAYER = [("shared", re.compile(r"shared_(expert|mlp)")),
            ("attention", re.compile(r"self_attention\.|self_attn|SelfAttention|EncDecAttention|cross_attention|"
                                     r"linear_attn|mamba|\battn\.|\bconv\.|mixer\.(q|k|v|o)_proj|mixer\.(dt_bias|A_log|"
                                     r"D|conv1d|in_proj|out_proj|norm)")),
            ("router", re.compile(r"router|\bgate\.|expert_bias|correction_bias|moe_statics")),
            ("experts", re.compile(r"experts?[._]|block_sparse_moe\.(input|output)_linear"))]


def block_of(name):
    """Where a tensor of the library's belongs; none for parts that are not of the text model."""
    if NOT_TEXT.search(name):
        return None
    inside = LAYER.search(name)
    if not inside:
        if "lm_head" in name:
            return "head"
        return "norms" if "norm" in name else "embeddings"
    name = inside[1]
    if LAYER_NORM.match(name):
        return "norms"
    if "self_attention" not in name and JETMOE.match(name):
        return "experts"
    for block, pattern in IN_LAYER:
        if pattern.search(name):
            return block
    return "dense"


def library_counts(model):
    counts = collections.Counter()
    for name, tensor in model.named_parameters():
        counts[block_of(name)] += tensor.numel()
    for name, tensor in model.named_buffers():
        if name.endswith("bias"):
            counts[block_of(name)] += tensor.numel()
    return {block: counts[block] for block in BLOCKS}


def build(config):
    """The model, for text where there is one, with shapes and no weights."""
    import torch  # pylint: disable=import-outside-toplevel
    import transformers  # pylint: disable=import-outside-toplevel
    error = None
    for auto in ("AutoModelForCausalLM", "AutoModelForImageTextToText", "AutoModelForMultimodalLM",
                 "AutoModelForSeq2SeqLM", "AutoModelForTextToWaveform"):
        if not hasattr(transformers, auto):
            continue
        try:
            with torch.device("meta"):
                return getattr(transformers, auto).from_config(config)
        except ValueError as refused:
            error = error or refused
    name = type(config).__name__.replace("Config", "ForConditionalGeneration")
    if hasattr(transformers, name):
        with torch.device("meta"):
            return getattr(transformers, name)(config)
    raise error


class RoutedExperts:
    """Stands in for a library's module of routed experts, and remembers what a token's would have cost."""

    def __init__(self, module, name, config):
        self.module, self.name = module, name
        self.of_all = 2 * sum(weight.numel() for part, weight in module.named_parameters() if "bias" not in part)
        self.experts, self.config, self.flops = module.num_experts, config, 0

    def __call__(self, hidden_states, top_k_index=None, *_):
        import torch  # pylint: disable=import-outside-toplevel
        # Llama 4 gives every expert every token, times a weight that is zero for all but the token's own.
        top_k = self.config.num_experts_per_tok if top_k_index is None else top_k_index.shape[-1]
        self.flops = self.of_all // self.experts * top_k
        return torch.zeros_like(hidden_states)


def library_flops(config, length):
    """One token's forward pass in a sequence of `length` tokens, on the device without memory."""
    import torch  # pylint: disable=import-outside-toplevel
    from torch.utils.flop_counter import FlopCounterMode  # pylint: disable=import-outside-toplevel
    config._attn_implementation = "eager"  # pylint: disable=protected-access
    model = build(config).eval()
    experts = []
    for name, module in model.named_modules():
        if type(module).__name__.endswith("Experts") and not NOT_TEXT.search(name):
            experts.append(RoutedExperts(module, name, model.config.get_text_config()))
            module.forward = experts[-1]
    tokens = torch.zeros((1, length), dtype=torch.long, device="meta")
    mask = torch.zeros((1, 1, length, length), device="meta")  # given, so that none is made from data
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(input_ids=tokens, attention_mask=mask, use_cache=False)
    counts = counter.get_flop_counts()
    pairs = 0  # of tokens: what attention computes between them is all that multiplies batches of matrices
    for name, module in model.named_modules():
        if type(module).__name__.endswith("Attention"):
            run = counts.get(f"{type(model).__name__}.{name}", {})
            pairs += sum(flops for kind, flops in run.items() if str(kind).startswith(("aten.bmm", "aten.baddbmm")))
    if not pairs or not experts or not all(one.flops for one in experts):
        raise ValueError("no attention or no experts were found in it")
    return (sum(counts["Global"].values()) - pairs / 2) / length + sum(one.flops for one in experts)


def ours(file, length=4096):
    """What MixNet says of a model, or why it does not."""
    done = subprocess.run([PROGRAM, "models", str(file), "--seq-length", str(length), "--json", "-"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return None, done.stderr.strip()
    return json.loads(done.stdout)["models"][0], ""


def kept(config):
    """What of a file bears on shapes, or might."""
    if isinstance(config, dict):
        return {key: kept(value) for key, value in config.items() if not NOT_SHAPES.search(key)}
    return config


def parameters_differ(model, theirs):
    """Lines on the blocks of which MixNet counts something else."""
    counts = {block: model["parameters"][block]["total"] for block in BLOCKS}
    return [f"{block}: ours {counts[block]}, the library's {theirs[block]}: {counts[block] - theirs[block]:+}"
            for block in BLOCKS if counts[block] != theirs[block]]


def flops_of(label, file, config):
    """By length of the sequence: ours and the library's; and lines on those that differ. Empty where it cannot run."""
    pairs, lines = {}, []
    for length in LENGTHS:
        try:
            theirs = library_flops(copy.deepcopy(config), length)
        except Exception as error:  # pylint: disable=broad-exception-caught
            print(f"no FLOPs of {label}: the library cannot: {str(error)[:100]!r}", file=sys.stderr)
            return {}, []
        mine = ours(file, length)[0]["flops_per_token"]["forward"]
        pairs[length] = (mine, theirs)
        if abs(mine / theirs - 1) > MOST_FLOPS_DIFFER:
            lines.append(f"FLOPs at {length} tokens: ours {mine:.6g}, the library's {theirs:.6g}: "
                         f"{mine / theirs - 1:+.3%}")
    return pairs, lines


def row(label, kind, theirs, flops, simulated):
    """A row of docs/models.md: of its table of FLOPs where there are any."""
    if flops:
        return f"| {label} | `{kind}` | " + " | ".join(
            f"{mine:.5g} | {library:.5g} | {mine / library - 1:+.3%}" for mine, library in flops.values()) + " |"
    counts = " | ".join(f"{theirs[block]:,}" for block in BLOCKS)
    return f"| {label} | `{kind}` | {counts} | {sum(theirs.values()):,} | {simulated} |"


def compare(label, kind, changes, options):
    """Prints a case; returns whether it agrees, and what to keep of it."""
    import transformers  # pylint: disable=import-outside-toplevel
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = transformers.CONFIG_MAPPING[kind](**changes)
            config.save_pretrained(folder)
            theirs = library_counts(build(config))
        except Exception as error:  # pylint: disable=broad-exception-caught
            print(f"| {label} | {kind} | the library cannot: {str(error)[:150]!r} |")
            return False, None
        file = pathlib.Path(folder) / "config.json"
        model, refused = ours(file)
        differ = [refused] if model is None else parameters_differ(model, theirs)
        flops = {}
        if options.flops and model and not model["counted_only"]:
            flops, lines = flops_of(label, file, config)
            differ += lines
        record = {"config": kept(json.loads(file.read_text(encoding="utf-8"))), "counts": theirs}
    if flops:
        record["flops"] = {length: library for length, (_, library) in flops.items()}
    if differ:
        print("\n       ".join([f"DIFFER {label} ({kind})", *differ]))
    elif not options.table:
        print(f"same   {label} ({kind})" + "".join(
            f", FLOPs {mine / library - 1:+.4%} at {length}" for length, (mine, library) in flops.items()), flush=True)
    elif flops or not options.flops:
        print(row(label, kind, theirs, flops, "counted only" if model["counted_only"] else "yes"))
    return not differ, record


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", help="model types; default: all")
    parser.add_argument("--flops", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    os.environ["TRANSFORMERS_VERBOSITY"] = "error"
    warnings.filterwarnings("ignore")
    import transformers  # pylint: disable=import-outside-toplevel
    wrong, recorded = 0, {}
    for label, kind, changes in CASES:
        if options.cases and kind not in options.cases:
            continue
        agrees, record = compare(label, kind, changes, options)
        wrong += not agrees
        if record:
            recorded[label] = record
    if options.write:
        lines = [f"{json.dumps(label)}: {json.dumps(one, separators=(',', ':'))}" for label, one in recorded.items()]
        options.write.write_text("{" + ",\n ".join(lines) + "}\n", encoding="utf-8")
    print(f"transformers {transformers.__version__}: {len(recorded)} configurations, {wrong} differ", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
