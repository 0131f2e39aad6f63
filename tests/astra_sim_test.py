"""What `mixnet convert --to chakra` writes is what ASTRA-sim runs to its end (astra_rules.py)."""

import json

import astra_rules
import program
from program import ProgramTest, run

MODELS = ("mixtral-8x7b", "mixtral-8x22b", "qwen-moe", "deepseek-v3", "llama-moe")
# GPUs, tp, pp, ep; one with everything, one with overlapped gradients alone, long pipelines.
PLANS = ((16, 1, 1, 8), (32, 2, 2, 8), (32, 4, 1, 8), (32, 1, 4, 8))


class AstraSimTest(ProgramTest):
    def convert(self, *words, form="splits"):
        prefix = self.folder / "new" / "traces" / "m"  # folders are made
        result = run("convert", *words, "--to", "chakra", "--all-to-alls", form, "--output", prefix)
        self.assertEqual((result.status, result.err), (0, b""), str(result))
        return prefix

    def remove(self, prefix):
        for path in prefix.parent.iterdir():
            path.unlink()

    def job(self, model, gpus, tp, pp, ep, layers=2):
        batch = 4 * gpus
        layers = 4 if model == "deepseek-v3" else layers  # its first three are dense
        return ["--model", model, "--gpus", gpus, "--tp", tp, "--pp", pp, "--ep", ep, "--layers",
                max(layers, pp), "--micro-batch-size", 1, "--global-batch-size", batch,
                "--seq-length", 512]

    def test_models_and_plans_end_on_all_ranks(self):
        for model in MODELS:
            for plan in PLANS:
                with self.subTest(model=model, plan=plan):
                    prefix = self.convert(*self.job(model, *plan))
                    self.assertEqual(astra_rules.unfinished(prefix), {})
                    self.remove(prefix)

    def test_all_to_alls_as_messages(self):
        for plan in PLANS:
            prefix = self.convert(*self.job("mixtral-8x7b", *plan), form="messages")
            ranks, _ = astra_rules.read(prefix)
            nodes = [node for nodes in ranks for node in nodes]
            self.assertFalse([node for node in nodes if "comm_splits" in node.attributes])
            self.assertTrue([node for node in nodes if node.kind == astra_rules.SEND])
            self.assertEqual(astra_rules.unfinished(prefix), {})
            self.remove(prefix)

    def test_graphs_of_flexflow_end_on_all_ranks(self):
        for name in ("100dlrm_16", "100transformer_32", "moe64_1L_16MB", "moe64_1L_mb2"):
            for form in ("splits", "messages"):
                with self.subTest(name=name, form=form):
                    prefix = self.convert(program.graph(name), form=form)
                    self.assertEqual(astra_rules.unfinished(prefix, seeds=(1,)), {})
                    self.remove(prefix)

    def test_without_the_order_ranks_wait_for_each_other(self):
        """The checker can fail: so do these traces without their control dependencies."""

        def ends(ranks, groups, seed):
            try:
                return not astra_rules.Run(ranks, groups, seed).finish()
            except astra_rules.Refused:  # two collectives meet that are not one
                return False

        prefix = self.convert(*self.job("mixtral-8x7b", 16, 1, 1, 8))
        ranks, groups = astra_rules.read(prefix)
        self.assertTrue(all(ends(ranks, groups, seed) for seed in range(5)))
        for nodes in ranks:
            for node in nodes:
                node.order = []
        self.assertFalse(all(ends(ranks, groups, seed) for seed in range(5)))

    def test_the_order_costs_our_own_execution_nothing(self):
        prefix = self.convert(*self.job("mixtral-8x7b", 32, 2, 2, 8))
        words = ["--fabric", "fat-tree", "--bandwidth", "400Gbps", "--fidelity", "fluid", "--paths",
                 "spray", "--json", "-"]
        with_order = run("simulate", "--chakra", prefix, *words)
        self.assertEqual(with_order.status, 0, str(with_order))
        for path in prefix.parent.glob("*.et"):
            path.write_bytes(without_order(path.read_bytes()))
        without = run("simulate", "--chakra", prefix, *words)
        self.assertEqual(without.status, 0, str(without))
        times = [json.loads(one.out)["iteration_seconds"] for one in (with_order, without)]
        self.assertEqual(times[0], times[1])


def put_varint(value):
    data = b""
    while value >= 0x80:
        data += bytes([value & 0x7f | 0x80])
        value >>= 7
    return data + bytes([value])


def without_order(data):
    """A trace without its control dependencies."""
    at, out = 0, b""
    while at < len(data):
        size, at = astra_rules.varint(data, at)
        part, at = data[at:at + size], at + size
        kept = b""
        for number, value in astra_rules.fields(part):
            if number == 4 and out:
                continue
            if isinstance(value, bytes):
                kept += put_varint(number << 3 | 2) + put_varint(len(value)) + value
            else:
                kept += put_varint(number << 3) + put_varint(value)
        out += put_varint(len(kept)) + kept
    return out


if __name__ == "__main__":
    program.main()
