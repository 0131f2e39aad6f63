"""Times of the operations of a model's layers on one's own GPU, as `mixnet compute` takes them.

    python3 -m mixnet.profile --model config.json --output my-gpu.csv
    mixnet compute --gpu h100 --operations my-gpu.csv

Needs PyTorch. Each operation is what one GPU of a plan computes (docs/compute.md), in bf16, with
random numbers and balanced experts, forward, and backward by autograd; a time is the median of
--repeat calls after --warm-up others, by CUDA events, or by the clock on --device cpu (which is
there to try it out).
"""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import json
import os
import pathlib
import statistics
import sys
import time
from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

COLUMNS = ["gpu", "model", "operation", "tp", "ep", "micro_batch", "seq", "tokens", "forward_ms",
           "backward_ms", "flops_forward", "note"]
OPERATIONS = ["attention", "gate", "permute", "experts", "head", "optimizer"]
OPTIMIZER_PARAMETERS = 200_000_000


class Refused(Exception):
    """Input that is wrong: one line."""


@dataclasses.dataclass(frozen=True)
class Shapes:
    """What of a config.json sizes depend on."""

    hidden: int
    vocab: int
    heads: int
    kv_heads: int
    query: int  # width of a head's queries and keys
    value: int
    experts: int
    top_k: int
    width: int  # an expert's
    q_rank: int = 0  # of MLA; 0: queries are projected directly
    kv_rank: int = 0  # 0: not MLA
    rope: int = 0


def read_shapes(config: Mapping[str, Any], name: str) -> Shapes:
    """The shapes of a config.json, in the keys of HuggingFace's families."""

    def number(*keys: str) -> int:
        for key in keys:
            value = config.get(key)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 31:
                raise Refused(f"{name} (key '{key}'): {str(value)[:40]!r} is no size; give a whole number")
            return value
        raise Refused(f"{name}: has no key '{keys[0]}'; give the config.json of a MoE model")

    heads = number("num_attention_heads")
    hidden = number("hidden_size")
    latent = config.get("kv_lora_rank") is not None
    rope = number("qk_rope_head_dim") if latent else 0
    width = 0 if latent else config.get("head_dim") and number("head_dim") or hidden // heads
    return Shapes(
        hidden=hidden,
        vocab=number("vocab_size"),
        heads=heads,
        kv_heads=heads if latent else config.get("num_key_value_heads") and number("num_key_value_heads")
        or heads,
        query=number("qk_nope_head_dim") + rope if latent else width,
        value=number("v_head_dim") if latent else width,
        experts=number("num_local_experts", "n_routed_experts", "num_experts"),
        top_k=number("num_experts_per_tok", "moe_top_k", "num_experts_per_token"),
        width=number("moe_intermediate_size", "intermediate_size"),
        q_rank=number("q_lora_rank") if latent and config.get("q_lora_rank") else 0,
        kv_rank=number("kv_lora_rank") if latent else 0,
        rope=rope,
    )


@dataclasses.dataclass(frozen=True)
class Case:
    """One row to be."""

    operation: str
    tp: int
    ep: int
    micro_batch: int
    seq: int
    calls: str = ""  # of experts: grouped or loop

    def tokens(self, shapes: Shapes) -> int:
        if self.operation == "optimizer":
            return OPTIMIZER_PARAMETERS
        copies = shapes.top_k if self.operation in ("experts", "permute") else 1
        return self.micro_batch * self.seq * copies


class Bench:
    """Operations as pairs of a function and the tensors that have gradients, on one device."""

    def __init__(self, shapes: Shapes, device: str) -> None:
        import torch  # here, so that what needs no PyTorch works without

        self.torch, self.shapes, self.device = torch, shapes, device

    def random(self, *size: int, grad: bool = True) -> Any:
        tensor = self.torch.randn(*size, device=self.device, dtype=self.torch.bfloat16) * 0.02
        return tensor.requires_grad_(grad)

    def attention(self, case: Case) -> Tuple[Callable[[], Any], List[Any]]:
        torch, s = self.torch, self.shapes
        heads = max(1, s.heads // case.tp)
        kv_heads = max(1, s.kv_heads // case.tp)
        batch, seq = case.micro_batch, case.seq
        x, gain = self.random(batch, seq, s.hidden), self.random(s.hidden)
        out = self.random(s.hidden, heads * s.value)
        linear = torch.nn.functional.linear

        def norm(tensor: Any, weight: Any) -> Any:
            return torch.nn.functional.rms_norm(tensor, (tensor.shape[-1],), weight, 1e-6)

        def attend(q: Any, k: Any, v: Any) -> Any:
            grouped = {"enable_gqa": True} if k.shape[2] != q.shape[2] else {}
            scores = torch.nn.functional.scaled_dot_product_attention(
                q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True, **grouped)
            return linear(scores.transpose(1, 2).reshape(batch, seq, -1), out)

        if not s.kv_rank:
            qkv = self.random((heads + 2 * kv_heads) * s.query, s.hidden)

            def plain() -> Any:
                parts = linear(norm(x, gain), qkv).view(batch, seq, heads + 2 * kv_heads, s.query)
                return attend(*parts.split([heads, kv_heads, kv_heads], dim=2))

            return plain, [x, gain, qkv, out]

        nope = s.query - s.rope
        down = self.random(s.kv_rank + s.rope, s.hidden)
        up = self.random(heads * (nope + s.value), s.kv_rank)
        gains = [self.random(s.kv_rank)] + ([self.random(s.q_rank)] if s.q_rank else [])
        queries = ([self.random(s.q_rank, s.hidden), self.random(heads * s.query, s.q_rank)] if s.q_rank
                   else [self.random(heads * s.query, s.hidden)])

        def latent() -> Any:
            normed = norm(x, gain)
            q = linear(normed, queries[0])
            if s.q_rank:
                q = linear(norm(q, gains[1]), queries[1])
            low, rope = linear(normed, down).split([s.kv_rank, s.rope], dim=-1)
            k, v = linear(norm(low, gains[0]), up).view(batch, seq, heads, -1).split(
                [nope, s.value], dim=-1)
            k = torch.cat([k, rope.unsqueeze(2).expand(-1, -1, heads, -1)], dim=-1)
            return attend(q.view(batch, seq, heads, s.query), k, v)

        return latent, [x, gain, down, up, out, *gains, *queries]

    def experts(self, case: Case) -> Tuple[Callable[[], Any], List[Any]]:
        torch, s = self.torch, self.shapes
        local, width = s.experts // case.ep, max(1, s.width // case.tp)
        each = max(1, case.tokens(s) // local)
        x = self.random(each * local, s.hidden)
        gate, up = self.random(local, s.hidden, width), self.random(local, s.hidden, width)
        down = self.random(local, width, s.hidden)
        silu = torch.nn.functional.silu
        ends = torch.arange(1, local + 1, device=self.device, dtype=torch.int32) * each

        def grouped() -> Any:
            multiply = torch._grouped_mm
            inner = silu(multiply(x, gate, offs=ends)) * multiply(x, up, offs=ends)
            return multiply(inner, down, offs=ends)

        def loop() -> Any:
            parts = []
            for i in range(local):
                part = x[i * each:(i + 1) * each]
                parts.append((silu(part @ gate[i]) * (part @ up[i])) @ down[i])
            return torch.cat(parts)

        return (grouped if case.calls == "grouped" else loop), [x, gate, up, down]

    def gate(self, case: Case) -> Tuple[Callable[[], Any], List[Any]]:
        torch, s = self.torch, self.shapes
        x, weight = self.random(case.tokens(s), s.hidden), self.random(s.experts, s.hidden)

        def run() -> Any:
            shares = torch.softmax(torch.nn.functional.linear(x, weight).float(), dim=-1)
            best, chosen = shares.topk(min(s.top_k, s.experts), dim=-1)
            best = best / best.sum(dim=-1, keepdim=True)
            load = torch.zeros(s.experts, device=self.device).scatter_add_(
                0, chosen.flatten(), torch.ones(chosen.numel(), device=self.device))
            return best.sum() + (shares.mean(dim=0) * load / chosen.numel()).sum() * s.experts

        return run, [x, weight]

    def permute(self, case: Case) -> Tuple[Callable[[], Any], List[Any]]:
        copies = case.tokens(self.shapes)
        x = self.random(max(1, copies // self.shapes.top_k), self.shapes.hidden)
        order = self.torch.randint(0, x.shape[0], (copies,), device=self.device)
        return (lambda: x.index_select(0, order)), [x]

    def head(self, case: Case) -> Tuple[Callable[[], Any], List[Any]]:
        s = self.shapes
        x, weight = self.random(case.tokens(s), s.hidden), self.random(max(1, s.vocab // case.tp), s.hidden)
        return (lambda: self.torch.nn.functional.linear(x, weight)), [x, weight]

    def optimizer(self, parameters: int) -> Callable[[], Any]:
        weight = self.torch.zeros(parameters, device=self.device, requires_grad=True)
        weight.grad = self.torch.zeros_like(weight)
        return self.torch.optim.AdamW([weight], fused=True).step  # type: ignore[no-any-return]

    def milliseconds(self, call: Callable[[], Any], repeat: int, warm_up: int) -> float:
        for _ in range(warm_up):
            call()
        times = []
        for _ in range(repeat):
            if self.device == "cpu":
                start = time.perf_counter()
                call()
                times.append((time.perf_counter() - start) * 1e3)
                continue
            first, last = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
            first.record()
            call()
            last.record()
            last.synchronize()
            times.append(first.elapsed_time(last))
        return statistics.median(times)

    def measure(self, case: Case, repeat: int, warm_up: int) -> Tuple[float, float]:
        """Forward and backward, in ms."""
        if case.operation == "optimizer":
            parameters = OPTIMIZER_PARAMETERS
            return self.milliseconds(self.optimizer(parameters), repeat, warm_up), 0.0
        call, inputs = getattr(self, case.operation)(case)
        forward = self.milliseconds(call, repeat, warm_up)
        result = call()
        gradient = self.torch.ones_like(result)
        backward = self.milliseconds(
            lambda: self.torch.autograd.grad(result, inputs, gradient, retain_graph=True), repeat, warm_up)
        return forward, backward


def cases(shapes: Shapes, arguments: argparse.Namespace) -> Iterator[Case]:
    for operation in arguments.operations:
        if operation == "optimizer":
            yield Case(operation, 1, 1, 1, 1)
            continue
        for micro_batch in arguments.micro_batch:
            for seq in arguments.seq:
                for tp in arguments.tp if operation in ("attention", "experts", "head") else [1]:
                    if operation != "experts":
                        yield Case(operation, tp, 1, micro_batch, seq)
                        continue
                    for ep in arguments.ep or [usual_ep(shapes.experts)]:
                        if shapes.experts % ep:
                            raise Refused(f"--ep: {ep} does not divide the {shapes.experts} experts")
                        for calls in ["loop"] if arguments.device == "cpu" else ["grouped", "loop"]:
                            yield Case(operation, tp, ep, micro_batch, seq, calls)


def usual_ep(experts: int) -> int:
    """The most ranks of a server of 8 GPUs that divide the experts."""
    return max(ep for ep in range(1, 9) if experts % ep == 0)


def profile(shapes: Shapes, model: str, gpu: str, arguments: argparse.Namespace) -> List[Dict[str, Any]]:
    """The rows of the CSV; what they take is shown on standard error."""
    bench = Bench(shapes, arguments.device)
    rows = []
    for case in list(cases(shapes, arguments)):  # refused before the first is timed
        forward, backward = bench.measure(case, arguments.repeat, arguments.warm_up)
        split = case.operation != "optimizer"
        row = {"gpu": gpu, "model": model if split else "-", "operation": case.operation,
               "tp": case.tp if split else "", "ep": case.ep if case.calls else "",
               "micro_batch": case.micro_batch if split else "", "seq": case.seq if split else "",
               "tokens": case.tokens(shapes), "forward_ms": round(forward, 4),
               "backward_ms": round(backward, 4), "flops_forward": "", "note": case.calls}
        rows.append(row)
        print(f"{case.operation} {case.calls} {row['tokens']} tokens: {forward:.3f} ms, {backward:.3f} ms",
              file=sys.stderr)
        if arguments.device != "cpu":
            bench.torch.cuda.empty_cache()
    return rows


def counts(text: str) -> List[int]:
    values = [int(one) for one in text.split(",")]
    if not all(0 < one < 1 << 31 for one in values):
        raise ValueError(text)
    return values


def kinds(text: str) -> List[str]:
    values = text.split(",")
    if not set(values) <= set(OPERATIONS):
        raise ValueError(text)
    return values


def parse(words: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 -m mixnet.profile", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(__doc__ or "").strip())
    parser.add_argument("--model", required=True, help="config.json of a MoE model")
    parser.add_argument("--output", required=True, help="the CSV to write")
    parser.add_argument("--operations", type=kinds, default=OPERATIONS, help=",".join(OPERATIONS))
    for flag, default, what in (("--tp", "1", "ranks that divide heads and widths"),
                                ("--ep", None, "ranks that divide the experts"),
                                ("--micro-batch", "1", "sequences"),
                                ("--seq", "4096", "tokens of a sequence")):
        parser.add_argument(flag, type=counts, default=default,
                            help=f"{what}; comma-separated ({default or 'as many as a server may have: up to 8'})")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--repeat", type=int, default=20, help="calls that are timed (20)")
    parser.add_argument("--warm-up", type=int, default=5, help="calls before these (5)")
    arguments = parser.parse_args(words)
    if arguments.repeat < 1 or arguments.warm_up < 0:
        parser.error("--repeat is at least 1, --warm-up at least 0")
    return arguments


def gpu_name(device: str) -> str:
    try:
        import torch
    except ImportError as error:
        raise Refused(
            f"PyTorch cannot be imported ({error}); install it, or use the Python that has it") from None
    if device == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        raise Refused("--device: PyTorch finds no GPU; give --device cpu to try it out")
    return str(torch.cuda.get_device_name()).replace(" ", "_").replace(",", "_")


def write(rows: Sequence[Mapping[str, Any]], path: pathlib.Path) -> None:
    """Whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    beside.write_text(text.getvalue(), encoding="utf-8")
    beside.replace(path)


def main(words: Optional[Sequence[str]] = None) -> int:
    arguments = parse(words)
    try:
        path = pathlib.Path(arguments.model)
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict):
            raise Refused(f"{path}: is no table; give the config.json of a MoE model")
        if "," in arguments.model:
            raise Refused("--model: a CSV cannot name a path with a comma; rename it")
        shapes = read_shapes(config, arguments.model)
        write(profile(shapes, arguments.model, gpu_name(arguments.device), arguments),
              pathlib.Path(arguments.output))
    except (Refused, OSError, ValueError) as error:
        print(f"mixnet.profile: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
