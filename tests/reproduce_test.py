"""`mixnet reproduce`: figures of the paper beside ours, in a folder. Quick figures only; all of them
take minutes (make reproduce)."""

import csv
import io
import json
import os
import xml.etree.ElementTree

import program
from program import ProgramTest, answer, run

QUICK = ["cost", "eps-links", "batch"]


class ReproduceTest(ProgramTest):
    def reproduce(self, *words, folder="results"):
        """The files that `mixnet reproduce WORDS...` leaves, by name."""
        result = run("reproduce", *words, "--out", self.folder / folder)
        self.assertEqual(result.status, 0, str(result))
        self.assertEqual(result.err, b"", str(result))
        self.out = result.out.decode()
        return {path.name: path.read_bytes() for path in (self.folder / folder).iterdir()}

    def test_files(self):
        files = self.reproduce("--figure", ",".join(QUICK))
        self.assertEqual(set(files), {"figures.json", "verdicts.csv", "checks.csv"} |
                         {f"{name}.{kind}" for name in QUICK for kind in ("csv", "svg")})
        document = json.loads(files["figures.json"])
        self.assertEqual(document["schema"], "mixnet.figures/1")
        self.assertEqual([one["name"] for one in document["figures"]], QUICK)
        verdicts = list(csv.DictReader(io.StringIO(files["verdicts.csv"].decode())))
        for figure in document["figures"]:
            with self.subTest(figure["name"]):
                self.assertTrue(figure["verdicts"])
                points = sum(len(series["points"]) for panel in figure["panels"]
                             for series in panel["series"])
                rows = list(csv.DictReader(io.StringIO(files[figure["name"] + ".csv"].decode())))
                self.assertEqual(len(rows), points)
                picture = xml.etree.ElementTree.fromstring(files[figure["name"] + ".svg"])
                text = " ".join(picture.itertext())
                for words in (figure["title"], figure["x"]["label"], figure["y"]["label"]):
                    self.assertIn(words, text)
                of_figure = [row for row in verdicts if row["figure"] == figure["name"]]
                self.assertEqual([row["claim"] for row in of_figure],
                                 [one["claim"] for one in figure["verdicts"]])
                for row in of_figure:
                    self.assertIn(row["holds"], ("yes", "partly", "no"))
                    self.assertIn(row["claim"], self.out)
                    self.assertTrue(row["published"] and row["ours"], row)

    def test_figures_say_what_compare_says(self):
        figure = answer("reproduce", "--figure", "batch", "--out", self.folder / "r")["figures"][0]
        fits = answer("validate", "--published", program.PUBLISHED)["fits"]
        (scale,) = [one["compute_scale"] for one in fits if one["model"] == "mixtral-8x7b"]
        runs = program.compare("--model", "mixtral-8x7b", "--routing", "measured", "--schedule",
                               "eager-1f1b", "--paper", "--micro-batch-size",
                               "32", "--compute-scale", repr(scale), "--bandwidth",
                               program.ALL_BANDWIDTHS, "--fabric", "topoopt,mixnet")
        gains = [runs["topoopt", gbps]["iteration_seconds"] /
                 runs["mixnet", gbps]["iteration_seconds"] for gbps in (100, 200, 400, 800)]
        (series,) = [one for one in figure["panels"][0]["series"]
                     if one["name"] == "mixnet, block 25 ms"]
        (ours,) = [point["y"] for point in series["points"] if point["x"] == 32]
        self.assertAlmostEqual(ours, sum(gains) / 4, places=9)
        for check in figure["checks"]:
            self.assertAlmostEqual(check["packets"] / check["fluid"], 1, delta=0.02, msg=check)

    def test_same_bytes_again_and_with_other_threads(self):
        first = self.reproduce("--figure", "cost,batch", "--threads", "1")
        self.assertEqual(self.reproduce("--figure", "batch", "--figure", "cost", "--threads", "3"),
                         first)
        self.assertEqual(self.reproduce("--figure", "cost,batch", folder="other"), first)

    def test_one_figure_anew_leaves_the_others(self):
        first = self.reproduce("--figure", "cost,eps-links")
        text = first["figures.json"].decode().replace('"ours": "2.19x"', '"ours": "mine"')
        self.assertNotEqual(text, first["figures.json"].decode())
        (self.folder / "results" / "figures.json").write_text(text)
        second = self.reproduce("--figure", "cost")
        self.assertIn(b"mine", second["figures.json"])
        self.assertIn(b"mine", second["verdicts.csv"])
        self.assertEqual(self.reproduce("--figure", "eps-links"), first)

    def test_mistakes_end_in_one_line_and_change_nothing(self):
        out = self.folder / "results"
        file = self.file("file", "no folder")
        for words, what in ((["--figure", "costs", "--out", out], b"cost"),
                            (["--figure", "", "--out", out], b"--figure"),
                            (["--figure", "cost,", "--out", out], b"--figure"),
                            (["--figure", "cost"], b"--out"),
                            (["--figure", "cost", "--out", file], b"file"),
                            (["--figure", "cost", "--out", file / "in"], b"file"),
                            (["--threads", "0", "--out", out], b"--threads"),
                            (["--seed", "-1", "--out", out], b"--seed")):
            result = run("reproduce", *words)
            self.assertEqual(result.status, 2, str(result))
            self.assertEqual(result.err.count(b"\n"), 1, str(result))
            self.assertIn(what, result.err)
            self.assertFalse(out.exists())
        out.mkdir()
        for wrong in ("", "{", '{"schema": "mixnet.figures/2", "figures": []}'):
            (out / "figures.json").write_text(wrong)
            result = run("reproduce", "--figure", "cost", "--out", out)
            self.assertEqual((result.status, result.err.count(b"\n")), (2, 1), str(result))
            self.assertIn(b"figures.json", result.err)
            self.assertEqual(os.listdir(out), ["figures.json"])
            self.assertEqual((out / "figures.json").read_text(), wrong)


if __name__ == "__main__":
    program.main()
