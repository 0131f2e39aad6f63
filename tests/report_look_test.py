"""What is seen on the page of a report: means over seeds, axes, digits, names, the whole table.

The study has three seeds, and two fabrics (fat-tree, rail-optimized) whose points coincide.
Without a browser only what needs none is tested.
"""

import json
import os
import re
import statistics
import sys
import unittest

import program
from program import ProgramTest, compare, run
from report_page import NO_BROWSER, Page

if not NO_BROWSER:
    from selenium.webdriver.common.by import By

STUDY = """model: [mixtral-8x7b, qwen-moe]
gpus: 128
bandwidth: [100Gbps, 200Gbps, 400Gbps]
fabric: [fat-tree, oversub-fat-tree, rail-optimized, mixnet]
seed: [1, 2, 3]
"""
STUDENT_T = 4.303  # 97.5 %, of the two degrees of freedom of three seeds
EPOCH = {**os.environ, "SOURCE_DATE_EPOCH": "1764201600"}


def mean_and_half(values):
    return statistics.mean(values), STUDENT_T * statistics.stdev(values) / len(values) ** 0.5


def decimals(text):
    """How many each number in `text` has."""
    return {len(number.partition(".")[2]) for number in re.findall(r"\d[\d,]*(?:\.\d+)?", text)}


def unit(text):
    return re.sub(r"[\d.,\s\u00b1-]", "", text)


class ComparisonTest(ProgramTest):
    """Reports of what `mixnet compare --json` wrote, and their dates."""

    COMPARE = ["compare", "--model", "mixtral-8x7b", "--gpus", "128", "--bandwidth", "100Gbps,400Gbps",
               "--fabric", "fat-tree,mixnet"]

    def comparison(self):
        file = self.folder / "result.json"
        self.assertEqual(run(*self.COMPARE, "--json", file).status, 0)
        return file

    def test_a_comparison_is_reported_beside_its_file(self):
        file = self.comparison()
        result = run("report", file)
        self.assertEqual((result.status, result.out, result.err), (0, b"", b""), str(result))
        page = (self.folder / "result.report.html").read_bytes()
        self.assertIn(b"<h1><b>Take ", page)
        for run_ in compare(*self.COMPARE[1:]).values():
            self.assertIn(f'"tokens":{run_["tokens_per_second"]}'.encode(), page)
        self.assertEqual(page, run("report", file, "--html", "-").out)

    def test_what_is_no_comparison_is_told_in_one_line_and_nothing_is_written(self):
        whole = self.comparison().read_text(encoding="utf-8")
        broken = {"half.json": (whole[:len(whole) // 2], "half.json:"),
                  "flows.json": (whole.replace("mixnet.compare/1", "mixnet.flows/1"), "mixnet.compare/1"),
                  "ring.json": (whole.replace('"fabric": "mixnet"', '"fabric": "ring"', 1), "fabric"),
                  "late.json": (re.sub(r'"iteration_seconds": [\d.e]+', '"iteration_seconds": 0', whole), "0 s"),
                  "text.json": ("a,b\n1,2\n", "text.json:1:1"), "empty.json": ("", "empty.json:1:1")}
        for name, (text, part) in broken.items():
            with self.subTest(name):
                result = run("report", self.file(name, text))
                self.assertEqual((result.status, result.out, result.err.count(b"\n")), (2, b"", 1), str(result))
                self.assertIn(part, result.err.decode())
        self.assertEqual(list(self.folder.glob("*.html")), [])

    def test_the_date_is_that_of_the_results(self):
        file = self.comparison()
        os.utime(file, (1_700_000_000, 1_700_000_000))
        self.assertIn(b"<dt>Results of</dt><dd>2023-11-14</dd>", run("report", file, "--html", "-").out)
        self.assertIn(b"<dd>2025-11-27</dd>", run("report", file, "--html", "-", env=EPOCH).out)
        wrong = run("report", file, "--html", "-", env={**EPOCH, "SOURCE_DATE_EPOCH": "today"})
        self.assertEqual((wrong.status, wrong.out, wrong.err.count(b"\n")), (2, b"", 1), str(wrong))
        self.assertIn(b"SOURCE_DATE_EPOCH", wrong.err)


@unittest.skipIf(NO_BROWSER, NO_BROWSER)
class LookTest(Page):
    """The page of the study above."""

    study = STUDY

    def of_model(self, key, fabric, gbps, model="mixtral-8x7b"):
        """By seed, a number of the runs."""
        return [row["run"][key] for row in self.rows if row["run"]["model"] == model and
                row["run"]["fabric"] == fabric and row["run"]["bandwidth_gbps"] == gbps]

    def widths(self):
        for width in (1400, 900):
            self.browser.set_window_size(width, 1000)
            self.open(self.home / "report.html")
            yield width

    def test_seeds_are_averaged_with_their_interval(self):
        panels = self.script("""
            return [...document.querySelectorAll('#time canvas[role=img]')].map((canvas) => {
              const {data, options} = Chart.getChart(canvas);
              return data.labels.map((label, i) => [label,
                data.datasets.reduce((sum, set) => sum + set.data[i], 0),
                options.plugins.barEnds.halves[i]]);
            });""")
        for gbps, panel in zip((100, 200, 400), panels):
            self.assertEqual(len(panel), 4)
            for fabric, seconds, half in panel:
                mean, expected = mean_and_half(self.of_model("iteration_seconds", fabric, gbps))
                self.assertAlmostEqual(seconds, mean, delta=1e-6 * mean)
                self.assertAlmostEqual(half, expected, delta=1e-3 * mean)
        self.assertIn("3 seeds", self.find("#time").text)
        self.assertRegex(self.find(".reasons").text, r"mean over 3 seeds; the 95 % interval .* at most ±\d")
        self.assertRegex(self.find("h1").text, r"in (all|\d of) \d comparisons")  # 2 models x 3 speeds

    def test_one_seed_alone_can_be_seen(self):
        self.choose("What the charts show", "Seed", "2")
        total, halves = self.script("""
            const {data, options} = Chart.getChart(document.querySelector('#time canvas[role=img]'));
            return [data.datasets.reduce((sum, set) => sum + set.data[0], 0), options.plugins.barEnds.halves];""")
        self.assertAlmostEqual(total, self.of_model("iteration_seconds", "fat-tree", 100)[1], delta=1e-9)
        self.assertEqual(set(halves), {0})
        self.choose("filters", "Seed", "2")
        self.assertEqual(len(self.column("point")), len(self.rows) // 3)
        self.assertFalse(any("±" in text for text in self.column("seconds")))

    def test_the_table_has_means_and_folds_out_the_rows(self):
        self.assertEqual(len(self.column("point")), len(self.rows) // 3)
        place = [(f, m, g) for f, m, g in zip(self.column("fabric"), self.column("model"), self.column("gbps"))]
        shown = self.column("seconds")[place.index(("mixnet", "mixtral-8x7b", "200"))]
        mean, half = mean_and_half(self.of_model("iteration_seconds", "mixnet", 200))
        for text, number in zip(shown.split(" ± "), (mean, half), strict=True):
            self.assertAlmostEqual(float(text), number, delta=0.6 * 10 ** -max(decimals(text)))
        summary = self.find("#table tbody td.command summary")
        self.assertEqual(summary.text, "3 seeds")
        self.script("arguments[0].click()", summary)
        commands = [one.text for one in self.browser.find_elements(By.CSS_SELECTOR, "#table td.command code")]
        self.assertEqual(commands, [row["command"] for row in self.rows[:3]])
        self.choose("filters", "Seed", "all, one by one")
        self.assertEqual(len(self.column("point")), len(self.rows))

    def test_no_text_lies_on_another_nor_on_a_bar(self):
        for width in self.widths():
            charts = self.script("""
                return [...document.querySelectorAll('canvas[role=img]')].map((canvas) => {
                  const chart = Chart.getChart(canvas);
                  const bars = chart.config.type !== 'bar' ? [] : chart.data.labels.map((_, i) =>
                    Math.max(...chart.data.datasets.map((_, d) => chart.getDatasetMeta(d).data[i].x)));
                  return {placed: chart.placed || [], bars, width: chart.width, height: chart.height};
                });""")
            self.assertEqual(len(charts), 3 + 3 + 1 + 1)
            for chart in charts:
                boxes = [one["box"] for one in chart["placed"]]
                self.assertGreater(len(boxes), 0)
                for i, a in enumerate(boxes):
                    self.assertLessEqual(a[2], chart["width"] + 1, (width, chart))
                    self.assertGreaterEqual(a[0], 0)
                    for b in boxes[:i]:
                        self.assertFalse(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3], (width, chart))
                for box, end in zip(boxes, chart["bars"]):
                    self.assertGreater(box[0], end)

    def test_fabrics_that_coincide_are_both_seen_and_named(self):
        for width in self.widths():
            canvas = self.find("#sensitivity canvas[role=img]")
            names, widths = self.script("""
                const chart = Chart.getChart(arguments[0]);
                return [chart.placed.map(({text}) => text), Object.fromEntries(chart.data.datasets.map((set) =>
                  [set.label, set.borderWidth]))];""", canvas)
            self.assertEqual(sorted(names), sorted(widths), width)
            self.assertGreater(widths["rail-optimized"], widths["fat-tree"] + 3)
            drawn = self.drawn(canvas)
            for colour in ("29,29,27", "47,143,196"):  # the thin line on top, the broad one around it
                self.assertGreater(drawn.get(colour, 0), 500, (width, colour))
        front = self.script("return Chart.getChart(document.querySelector('#front canvas')).placed")
        self.assertTrue(any("fat-tree, rail-optimized" in one["text"] for one in front), front)

    def test_axes_end_at_or_beyond_what_is_drawn(self):
        axes = self.script("""
            return [...document.querySelectorAll('canvas[role=img]')].map((canvas) => {
              const {scales: {x, y}, data: {datasets, labels}, config} = Chart.getChart(canvas);
              const ends = (scale) => [scale.ticks[0].value, scale.ticks.at(-1).value];
              if (config.type === 'bar') {
                const {halves} = Chart.getChart(canvas).options.plugins.barEnds;
                const sums = labels.map((_, i) => datasets.reduce((sum, set) => sum + set.data[i], halves[i]));
                return [[0, Math.max(...sums), ...ends(x)]];
              }
              const points = datasets.flatMap((set) => set.data);
              const low = points.map((point) => point.y - (point.half || 0));
              const high = points.map((point) => point.y + (point.half || 0));
              const across = points.map((point) => point.x);
              return [[Math.min(...low), Math.max(...high), ...ends(y)],
                [Math.min(...across), Math.max(...across), ...ends(x)]];
            });""")
        for least, most, first, last in [axis for chart in axes for axis in chart]:
            self.assertLessEqual(first, least)
            self.assertGreaterEqual(last, most)
        ticks = self.script("""return [[28.8, 5], [30, 5], [0.0007, 4], [0, 5]].map(([most, wanted]) =>
            ticksTo(most, wanted)).concat([logTicks(0.3, 12), logTicks(1e-5, 1), logTicks(2, 2)]);""")
        self.assertEqual(ticks[0], [0, 10, 20, 30])
        self.assertEqual(ticks[1][-1], 30)
        self.assertEqual(ticks[2], [0, 0.0002, 0.0004, 0.0006, 0.0008])
        self.assertEqual(ticks[3][0], 0)
        self.assertEqual(ticks[4], [0.2, 0.5, 1, 2, 5, 10, 20])
        self.assertEqual(ticks[5], [1e-5, 1e-4, 1e-3, 0.01, 0.1, 1])
        self.assertEqual(ticks[6], [2])

    def test_a_series_of_numbers_has_one_unit_and_as_many_decimals(self):
        written = self.script("""
            const written = (numbers) => numbers.map(times(numbers));
            return [written([13, 16.2, null]).slice(0, 2), written([0.0004, 0.013]), written([0, 250e-6]),
              [0, 5, 10].map(tickTimes([0, 5, 10])), [0, 0.5, 1].map(tickTimes([0, 0.5, 1]))];""")
        self.assertEqual(written, [["13.0 s", "16.2 s"], ["0.4 ms", "13.0 ms"], ["0 µs", "250 µs"],
                                   ["0 s", "5 s", "10 s"], ["0.0 s", "0.5 s", "1.0 s"]])
        charts = self.script("""
            return [...document.querySelectorAll('canvas[role=img]')].map((canvas) => {
              const {scales, placed, config} = Chart.getChart(canvas);
              return [config.type === 'bar' ? placed.map(({text}) => text) : [],
                scales[config.type === 'bar' ? 'x' : 'y'].ticks.map(({label}) => label)];
            });""")
        heads = ["seconds", "tokens", "ep", "compute", "cost", "perf"]
        series = [texts for chart in charts for texts in chart if texts] + [self.column(key) for key in heads]
        self.assertEqual(len(series), 6 + 8 + len(heads))
        for texts in series:
            self.assertEqual(len(set.union(*map(decimals, texts))), 1, texts)
            self.assertEqual(len({unit(text.replace("•", "")) for text in texts}), 1, texts)

    def test_the_header_says_what_it_is_of(self):
        facts = self.find("#facts").text
        for part in ("mixtral-8x7b, qwen-moe", "128 x NVIDIA H100", "TP 1 to 4, PP 4, EP 8 to 32, DP 8 to 32",
                     "sequences of 4,096 tokens", "mixnet ", "Results of"):
            self.assertIn(part, facts)

    def test_every_column_of_the_table_can_be_reached(self):
        for width in self.widths():
            box = self.find("#points > .scroll")
            across = self.script("return [arguments[0].scrollWidth, arguments[0].clientWidth]", box)
            if width == 1400:
                self.assertLessEqual(across[0], across[1])  # whole at once
            self.assertLessEqual(self.wide(), width)
            unseen = self.script("""
                const box = arguments[0];
                box.scrollIntoView({block: 'start', behavior: 'instant'});
                return [...document.querySelectorAll('#table tr:first-child > *')].filter((cell, i) => {
                  const first = cell.parentNode.firstElementChild;
                  // As far as the pointer drags it: not beneath the first column.
                  box.scrollLeft = i === 0 ? 1e6 : cell.offsetLeft - first.offsetWidth;
                  const {left, right, top, bottom} = cell.getBoundingClientRect();
                  const isSeen = [left + 3, right - 3].every((x) =>
                    cell.contains(document.elementFromPoint(x, (top + bottom) / 2)));
                  return !isSeen || left < 0 || right > innerWidth;
                }).map((cell) => cell.textContent);""", box)
            self.assertEqual(unseen, [], width)

    def test_a_comparison_has_the_same_page(self):
        file = self.folder / "result.json"
        self.assertEqual(run(*ComparisonTest.COMPARE, "--json", file).status, 0)
        self.assertEqual(run("report", file).status, 0)
        self.open(self.folder / "result.report.html")
        self.assertEqual(self.column("fabric"), ["fat-tree", "mixnet"] * 2)
        self.assertEqual(self.column("gbps"), ["100", "100", "400", "400"])
        self.assertEqual(len(self.charts()), 2 + 2 + 1 + 1)
        heads = [one.text for one in self.browser.find_elements(By.CSS_SELECTOR, "#table thead th")]
        self.assertFalse(any("Command" in text for text in heads), heads)
        self.assertIn("TP 4, PP 4, EP 8, DP 8", self.find("#facts").text)
        document = json.loads(file.read_text(encoding="utf-8"))
        total = self.script("return rows[0].seconds")
        self.assertAlmostEqual(total, document["runs"][0]["iteration_seconds"], delta=1e-9)


if __name__ == "__main__":
    if NO_BROWSER:
        print(f"report_look_test: {NO_BROWSER}: the page is not looked at in a browser", file=sys.stderr)
    program.main()
