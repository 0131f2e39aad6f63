"""`mixnet compute`: our times of operations beside measured ones; and `--gpu FILE.yaml`. `mixnet validate
--training`: our steps beside published ones."""

import csv
import os
import pathlib
import statistics

import program
from program import ProgramTest, answer, run

SHARED = pathlib.Path(os.environ.get("MIXNET_SHARED_DATA_DIR", "../shared/data"))
MEASURED = SHARED / "gpu_op_times_h200.csv"
PUBLISHED = SHARED / "published_training.csv"
COLUMNS = ["gpu", "model", "operation", "tp", "ep", "micro_batch", "seq", "tokens", "forward_ms",
           "backward_ms", "flops_forward", "note"]
ROWS = """\
Mine,-,optimizer,,,,,1000000000,9,0,0,AdamW
Mine,mixtral-8x7b,attention,4,,2,4096,8192,0.5,1.5,2.4e11,
Mine,mixtral-8x7b,experts,4,8,2,4096,16384,2.4,5.5,1.44e12,grouped
Mine,mixtral-8x7b,experts,4,8,2,4096,16384,2.7,4.9,1.44e12,loop over experts
Mine,deepseek-v3,shared_experts,1,,1,4096,4096,,,,
"""
GPU = """\
name: mine
peak_bf16_tflops: 500
memory_gb: 64
memory_gb_per_second: 2000
scale_up_gb_per_second: 300
"""


def errors(rows, way, operation=None):
    return [abs(row[f"predicted_{way}_ms"] / row[f"{way}_ms"] - 1) for row in rows
            if row[f"{way}_ms"] and operation in (None, row["operation"])]


class RefusingTest(ProgramTest):
    def refused(self, words, said):
        result = run(*words)
        self.assertEqual((result.status, result.out), (2, b""), str(result))
        self.assertIn(said, result.err.decode())
        self.assertEqual(result.err.count(b"\n"), 1, str(result))


class ComputeTest(RefusingTest):
    def compute(self, content, *words):
        return answer("compute", "--operations", self.file("times.csv", content), *words)

    def table(self, rows=ROWS):
        return ",".join(COLUMNS) + "\n" + rows

    def test_rows_are_those_of_the_csv_and_ours(self):
        document = self.compute(self.table(), "--gpu", "h200")
        self.assertEqual(list(document), ["schema", "gpu", "precision", "rows", "medians"])
        self.assertEqual(document["schema"], "mixnet.compute/1")
        self.assertEqual((document["gpu"], document["precision"]), ("h200", "bf16"))
        rows = document["rows"]
        self.assertEqual(len(rows), 5)
        for row, line in zip(rows, csv.DictReader(self.table().splitlines())):
            self.assertEqual(list(row), COLUMNS + ["predicted_forward_ms", "predicted_backward_ms"])
            for column in ("gpu", "model", "operation", "note"):
                self.assertEqual(row[column], line[column])
            for column in ("tp", "ep", "seq", "tokens", "forward_ms", "flops_forward"):
                self.assertEqual(row[column], float(line[column]) if line[column] else None)
            self.assertGreater(row["predicted_forward_ms"], 0)
        self.assertEqual(rows[0]["predicted_backward_ms"], 0)
        self.assertGreater(rows[3]["predicted_forward_ms"], rows[2]["predicted_forward_ms"])

    def test_medians_are_those_of_the_rows(self):
        document = self.compute(self.table(), "--gpu", "h200")
        for kind in document["medians"]:
            operation = None if kind["operation"] == "all" else kind["operation"]
            for way in ("forward", "backward"):
                values = errors(document["rows"], way, operation)
                median = kind[f"{way}_median_absolute_error"]
                if values:
                    self.assertAlmostEqual(median, statistics.median(values), places=9)
                else:
                    self.assertIsNone(median)

    def test_the_table_has_errors_and_medians(self):
        result = run("compute", "--gpu", "h200", "--operations", self.file("t.csv", self.table()))
        self.assertEqual((result.status, result.err), (0, b""))
        rows, medians = result.out.decode().split("\n\n")
        self.assertEqual(len(rows.splitlines()), 6)
        self.assertRegex(rows.splitlines()[1], r"^-\s+optimizer\s.*[+-]\d+\.\d %")
        self.assertRegex(rows.splitlines()[5], r"shared_experts.* -  .* -$")
        self.assertEqual([line.split()[0] for line in medians.splitlines()],
                         ["operation", "optimizer", "attention", "experts", "shared_experts", "all"])

    def test_other_gpus_and_precisions(self):
        def forward(*words):
            return [row["predicted_forward_ms"] for row in self.compute(self.table(), *words)["rows"]]
        h200, h20 = forward("--gpu", "h200"), forward("--gpu", "h20")
        self.assertTrue(all(slow > fast for slow, fast in zip(h20, h200)))
        fp8 = forward("--gpu", "h200", "--precision", "fp8")
        self.assertEqual(fp8[0], h200[0])
        self.assertTrue(all(fast < slow for fast, slow in zip(fp8[2:], h200[2:])))

    def test_a_profile_in_bf16_corrects_fp8_and_does_not_replace_it(self):
        profile = ["--profile", self.file("times.csv", self.table())]

        def seconds(*words):
            job = ["--model", "mixtral-8x7b", "--gpu", "h200", "--fabric", "ideal", "--routing", "uniform",
                   "--recompute", "full"]
            return answer("compare", *job, *words)["runs"][0]["compute_seconds"]
        fp8 = ["--precision", "fp8"]
        self.assertAlmostEqual(seconds(*profile, *fp8) / seconds(*profile), seconds(*fp8) / seconds(), delta=0.1)

    def test_a_model_beside_the_csv(self):
        config = (program.DATA / "models" / "mixtral-8x7b.json").read_text(encoding="utf-8")
        (self.folder / "models").mkdir()
        self.file("models/mine-8x7b.json", config)
        rows = self.compute("model,operation,tokens\nmine-8x7b,gate,8192\nmixtral-8x7b,gate,8192\n")["rows"]
        self.assertEqual(rows[0]["predicted_forward_ms"], rows[1]["predicted_forward_ms"])

    def test_a_gpu_of_ones_own(self):
        path = self.file("mine.yaml", GPU)
        document = self.compute(self.table(), "--gpu", path)
        self.assertEqual(document["gpu"], "mine")
        compared = run("compare", "--model", "mixtral-8x7b", "--gpus", 256, "--fabric", "fat-tree",
                       "--gpu", path, "--json", "-")
        self.assertEqual(compared.status, 0, str(compared))
        self.assertEqual(compared.err, b"mixnet: note: price and power of a server with 'mine' are not "
                                       b"known: those of one with 'h100' taken (--server-price)\n")
        for content, said in [
                (GPU.replace("memory_gb:", "memory:"), "there is no key 'memory'; known"),
                (GPU.replace("500", "fast"), "'fast' of 'peak_bf16_tflops' is not a number"),
                (GPU.replace("64", "-64"), "memory_gb"),
                (GPU.replace("name: mine\n", ""), "key 'name' is missing"),
                ("[", "is not valid YAML"), ("\0", "bad.yaml"), ("", "describes no GPU")]:
            self.refused(["compute", "--operations", "times.csv", "--gpu",
                          self.file("bad.yaml", content)], said)
        self.refused(["compare", "--model", "mixtral-8x7b", "--gpu", "none.yaml"], "none.yaml: no such file")
        self.refused(["compute", "--operations", "times.csv", "--gpu", path, "--precision", "fp8"],
                     "--precision: mine has no fp8")

    def test_mistakes(self):
        good = self.file("times.csv", self.table())
        self.refused(["compute"], "--operations")
        self.refused(["compute", "--operations", "no.csv"], "no.csv: no such file")
        self.refused(["compute", "--operations", good, "--gpu", "h2000"], "did you mean 'h200'")
        self.refused(["compute", "--operations", good, "--precision", "fp4"], "--precision")
        self.refused(["compute", "--operations", good, "--gpu", "a100", "--precision", "fp8"],
                     "a100 has no fp8")
        for rows, said in [("X,mixtral-8x7c,gate,,,,,8,1,1,,\n", "did you mean 'mixtral-8x7b'"),
                           ("X,mixtral-8x7b,atention,,,,,8,1,1,,\n", "did you mean 'attention'"),
                           ("X,mixtral-8x7b,gate,,,,,-8,1,1,,\n", "-8 is too small"),
                           ("X,mixtral-8x7b,gate\n", "has 3 values in a table of 12 columns"),
                           ("", "holds no rows")]:
            self.refused(["compute", "--operations", self.file("bad.csv", self.table(rows))], said)

    def test_the_h200_that_was_measured(self):
        if not MEASURED.exists():
            self.skipTest(f"{MEASURED} is not there: measured times are not in the repository")
        rows = answer("compute", "--gpu", "h200", "--operations", MEASURED)["rows"]
        with open(MEASURED, encoding="utf-8") as file:
            self.assertEqual(len(rows), sum(1 for _ in file) - 1)
        operations = {row["operation"] for row in rows}
        for way in ("forward", "backward"):
            self.assertLessEqual(statistics.median(errors(rows, way)), 0.10, way)
            for operation in operations:
                values = errors(rows, way, operation)
                if len(values) >= 3:
                    self.assertLessEqual(statistics.median(values), 0.15, (operation, way))


RUNS = """\
name,model,gpu,gpus,gpus_per_server,tp,ep,etp,pp,vpp,cp,micro_batch,global_batch,seq,precision,ep_overlap,fabric,nic_gbps,step_seconds,source
one,mixtral-8x7b,h100,64,8,2,8,1,4,2,1,1,256,4096,bf16,no,rail-optimized,400,3.5,somebody
two,mine,h100,8,8,1,8,1,1,1,1,1,64,4096,fp8,yes,fat-tree,400,2,somebody
"""


class TrainingTest(RefusingTest):
    def test_rows_are_an_iteration_each(self):
        config = (program.DATA / "models" / "olmoe-1b-7b.json").read_text(encoding="utf-8")
        self.file("mine.json", config)  # beside the table
        table = self.file("runs.csv", RUNS)
        document = answer("validate", "--training", table)
        self.assertEqual(list(document), ["schema", "rows", "groups"])
        self.assertEqual(document["schema"], "mixnet.validate-training/1")
        self.assertEqual([row["name"] for row in document["rows"]], ["one", "two"])
        for row, published in zip(document["rows"], (3.5, 2)):
            self.assertEqual(row["published_step_seconds"], published)
            self.assertAlmostEqual(row["error"], row["simulated_step_seconds"] / published - 1)
        text = run("validate", "--training", table).out.decode()
        self.assertIn("median |error|", text)

    def test_mistakes_are_named(self):
        table = self.file("runs.csv", RUNS.replace(",400,3.5,", ",400,-3.5,"))
        self.refused(["validate", "--training", table], "runs.csv:2 (column 'step_seconds')")
        table = self.file("runs.csv", RUNS)  # no mine.json
        self.refused(["validate", "--training", table], "runs.csv:3 (column 'name')")
        self.refused(["validate", "--training", table, "--published", "x.csv"], "not both")
        for flag, value in (("--fit", "x.csv"), ("--gpus", 8), ("--gpu", "h100")):
            self.refused(["validate", "--training", table, flag, value], f"{flag}: does not go with --training")
        self.refused(["validate", "--published", "x.csv", "--layer-wait", "1ms"],
                     "--layer-wait: does not go with --published")

    def test_published_runs_in_bf16_without_overlap(self):
        if not PUBLISHED.exists():
            self.skipTest(f"{PUBLISHED} is not there: published runs are not in the repository")
        rows = answer("validate", "--training", PUBLISHED)["rows"]
        with open(PUBLISHED, encoding="utf-8") as file:
            self.assertEqual([row["name"] for row in rows], [row["name"] for row in csv.DictReader(file)])
        sizes = [abs(row["error"]) for row in rows
                 if row["precision"] == "bf16" and not row["ep_overlap"]]
        self.assertLessEqual(statistics.median(sizes), 0.12)


if __name__ == "__main__":
    program.main()
