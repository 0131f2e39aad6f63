"""Reports, as a reader has them: the page of the 80-point study of fabrics, in a real Chromium.

Without a browser (Debian: chromium, chromium-driver, python3-selenium) only what needs none is tested.
"""

import base64
import json
import pathlib
import shutil
import sys
import time
import unittest

import program
from program import ProgramTest, run

from report_page import NO_BROWSER, Page, rows_of

if not NO_BROWSER:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

STUDY = pathlib.Path(__file__).resolve().parent.parent / "studies" / "fabrics.yaml"
MOST_BYTES = 5_000_000
EVIL = "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'&<b>"


def picoseconds(seconds):
    return round(seconds * 1e12)


def small_sweep(test, text="model: mixtral-8x7b\ngpus: 256\nfabric: [fat-tree, mixnet]\nbandwidth: 100Gbps\n"):
    """The results of a small study."""
    results = test.folder / "results"
    swept = run("sweep", test.file("study.yaml", text), "--out", results)
    test.assertIn(swept.status, (0, 3), str(swept))
    return results


class ProgramReportTest(ProgramTest):
    """What needs no browser."""

    def report(self, results, *words):
        page = self.folder / "report.html"
        result = run("report", results, "--html", page, *words)
        self.assertEqual((result.status, result.out, result.err), (0, b"", b""), str(result))
        return page.read_bytes()

    def refused(self, *words, part):
        result = run("report", *words)
        self.assertEqual((result.status, result.out, result.err.count(b"\n")), (2, b"", 1), str(result))
        self.assertIn(part, result.err.decode())

    def test_the_same_folder_gives_the_same_bytes(self):
        results = small_sweep(self)
        first = self.report(results)
        self.assertEqual(first, self.report(results))
        self.assertEqual(first, run("report", results, "--html", "-").out)

    def test_wrong_input_is_told_in_one_line(self):
        results = small_sweep(self)
        page = self.file("page.html", "old")
        self.refused(self.folder / "nothing", "--html", page, part="is not there")
        self.refused(self.folder, "--html", page, part="holds no results")
        self.refused(results, "--html", self.folder / "no" / "page.html", part="page.html")
        lines = (results / "results.jsonl").read_text(encoding="utf-8").splitlines()
        (results / "results.jsonl").write_text(lines[0] + "\n" + lines[1].replace("plan", "plane") + "\n",
                                               encoding="utf-8")
        self.refused(results, "--html", page, part="results.jsonl:2")
        (results / "sweep.json").unlink()
        self.refused(results, "--html", page, part="sweep.json")
        self.assertEqual(page.read_text(encoding="utf-8"), "old")

    def test_an_unfinished_sweep_is_reported(self):
        results = small_sweep(self)
        text = (results / "results.jsonl").read_text(encoding="utf-8")
        (results / "results.jsonl").write_text(text[:len(text) * 3 // 4], encoding="utf-8")
        self.assertIn(b'"points":2', self.report(results))


@unittest.skipIf(NO_BROWSER, NO_BROWSER)
class PageTest(Page):
    """The page of the study of fabrics."""

    # With the paper's switch, which is dark for a while.
    study = STUDY.read_text(encoding="utf-8") + "paper: true\n"

    def test_it_is_small_and_opens_fast(self):
        size = (self.home / "report.html").stat().st_size
        self.assertLess(size, MOST_BYTES)
        loads = self.script("return performance.getEntriesByType('navigation')[0].loadEventEnd")
        print(f"report of {len(self.rows)} points: {size:,} bytes, loaded in {loads:.0f} ms", file=sys.stderr)
        self.assertEqual(self.script("return performance.getEntriesByType('resource').length"), 0)

    def test_its_first_sentence_is_the_advice(self):
        self.assertRegex(self.find("h1").text, r"^Take [a-z-]+ at \d+ Gb/s: it gives the most tokens per dollar ")
        self.assertIn("80", self.find("#study").text)

    def test_charts_are_drawn_with_the_numbers_of_the_rows(self):
        charts = self.charts()
        self.assertEqual(len(charts), 4 + 4 + 1 + 1)
        for canvas in charts:
            colours = self.drawn(canvas)
            self.assertGreater(len(colours), 3, canvas.get_attribute("aria-label"))
            self.assertGreater(sum(colours.values()), 1000, canvas.get_attribute("aria-label"))
        self.choose("What the charts show", "Model", "qwen-moe")
        totals = self.script("""
            return [...document.querySelectorAll('#time canvas[role=img]')].map((canvas) => {
              const {labels, datasets} = Chart.getChart(canvas).data;
              return Object.fromEntries(labels.map((label, i) =>
                [label, datasets.reduce((sum, set) => sum + set.data[i], 0)]));
            });""")
        for gbps, panel in zip((100, 200, 400, 800), totals):
            expected = {row["run"]["fabric"]: row["run"]["iteration_seconds"] for row in self.rows
                        if row["run"]["model"] == "qwen-moe" and row["run"]["bandwidth_gbps"] == gbps}
            self.assertEqual(panel.keys(), expected.keys())
            for fabric, seconds in expected.items():
                self.assertAlmostEqual(panel[fabric], seconds, delta=1e-6 * seconds)

    def test_the_front_is_what_no_network_beats(self):
        front = self.script("""
            const sets = Chart.getChart(document.querySelector('#front canvas[role=img]')).data.datasets;
            return sets.find((set) => set.isFront).data.map(({x, y}) => [x, y]);""")
        points = [(row["run"]["cluster_cost_usd"], row["run"]["iteration_seconds"]) for row in self.rows
                  if row["run"]["model"] == "mixtral-8x7b"]
        expected = sorted({p for p in points if not any(
            q[0] <= p[0] and q[1] <= p[1] and q != p for q in points)})
        self.assertEqual([(usd, picoseconds(t)) for usd, t in front],
                         [(usd, picoseconds(t)) for usd, t in expected])

    def test_a_tooltip_says_the_parts(self):
        canvas = self.charts()[0]
        self.script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", canvas)
        ActionChains(self.browser).move_to_element(canvas).perform()
        shown = "return Chart.getChart(arguments[0]).tooltip"
        for _ in range(50):
            if self.script(shown + ".opacity", canvas) > 0:
                break
            time.sleep(0.1)
        self.assertGreater(self.script(shown + ".opacity", canvas), 0)
        lines = self.script(shown + ".body.flatMap(({lines}) => lines)", canvas)
        self.assertTrue(any(line.strip().startswith("Compute: ") for line in lines), lines)
        self.assertRegex(self.script(shown + ".footer", canvas)[0], "^Iteration: ")

    def test_the_table_filters(self):
        self.assertEqual(len(self.column("point")), 80)
        self.choose("filters", "Fabric", "mixnet")
        self.assertEqual(self.column("fabric"), ["mixnet"] * 16)
        self.choose("filters", "NIC speed", "400Gbps")
        self.assertEqual(self.column("gbps"), ["400"] * 4)
        self.assertIn("4 of 80", self.find("#shown").text)
        self.find("#search").send_keys("QWEN")
        self.assertEqual(self.column("model"), ["qwen-moe"])
        self.find("#search").send_keys(Keys.BACKSPACE * 4 + "nothing")
        self.assertEqual(self.column("model"), [])

    def test_the_table_sorts_by_keyboard(self):
        head = self.find("th[data-key=seconds]")
        button = head.find_element(By.TAG_NAME, "button")
        self.find("#search").send_keys(Keys.TAB)  # one who has not typed is shown no outline
        self.script("arguments[0].focus()", button)
        self.assertNotEqual(button.value_of_css_property("outline-style"), "none")
        for key, way in ((Keys.ENTER, "ascending"), (Keys.SPACE, "descending")):
            button.send_keys(key)
            self.assertEqual(head.get_attribute("aria-sort"), way)
            numbers = [float(text.replace(",", "")) for text in self.column("seconds")]
            self.assertEqual(numbers, sorted(numbers, reverse=way == "descending"))
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "th[aria-sort]")), 1)

    def test_every_chart_has_words_and_a_table(self):
        for canvas in self.charts():
            self.assertGreater(len(canvas.get_attribute("aria-label")), 20)
        self.script("arguments[0].click()", self.find("#time details.alternative summary"))
        cells = [cell.text for cell in self.browser.find_elements(By.CSS_SELECTOR, "#time tbody th")]
        self.assertEqual(cells, ["fat-tree", "oversub-fat-tree", "rail-optimized", "topoopt", "mixnet"])
        unnamed = self.script("""
            return [...document.querySelectorAll('select, input, button, svg[role], canvas[role]')]
              .filter((one) => !(one.labels?.length || one.textContent.trim() ||
                one.getAttribute('aria-label'))).length;""")
        self.assertEqual(unnamed, 0)

    def test_circuits_and_the_dark_switch_are_drawn(self):
        self.choose("mixnet", "Model", "Qwen1.5-MoE-A2.7B")
        figures = self.browser.find_elements(By.CSS_SELECTOR, "#mixnet figure")
        self.assertEqual(len(figures), 4)  # two layers; forward, backward
        look = [look for look in self.script("return data.sweep.looks") if look["model"] == "qwen-moe"][0]
        for region, figure in zip(look["regions"], figures):
            drawn = self.script("""
                return [...arguments[0].querySelector('svg').querySelectorAll('circle')]
                  .map((ring) => Number(ring.nextSibling.textContent));""", figure)
            self.assertEqual(sum(drawn), sum(region["circuits"]))
            for server in range(region["servers"]):
                begin = server * region["servers"]
                self.assertLessEqual(sum(region["circuits"][begin:begin + region["servers"]]), look["degree"])
        self.assertIn("dark", figures[2].text)
        names = [title.get_attribute("textContent") for title in figures[2].find_elements(By.TAG_NAME, "title")]
        self.assertTrue(any(name.startswith("dark: 25 ms") for name in names), names)

    def test_a_phone_needs_no_sideways_scrolling(self):
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
        self.open(self.home / "report.html")
        self.assertEqual(self.script("return innerWidth"), 360)
        self.assertLessEqual(self.wide(), 360)
        self.script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        self.assertLessEqual(self.wide(), 360)
        scroll = self.find("#points .scroll")
        self.assertGreater(int(scroll.get_attribute("scrollWidth")), int(scroll.get_attribute("clientWidth")))

    def paper(self):
        return self.script("return getComputedStyle(document.body).backgroundColor")

    def ink_of_charts(self):
        return self.script(
            "return Chart.getChart(document.querySelector('#time canvas[role=img]')).options.scales.y.ticks.color")

    def test_it_is_dark_where_the_reader_is(self):
        light = (self.paper(), self.ink_of_charts())
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.assertEqual(light, ("rgb(250, 249, 246)", "#1d1d1b"))
        for _ in range(50):  # the page hears of it with the next frame, which may be late
            if self.ink_of_charts() != light[1]:
                break
            time.sleep(0.1)
        self.assertEqual((self.paper(), self.ink_of_charts()), ("rgb(19, 19, 18)", "#e9e7e2"))

    def test_it_prints_light_with_its_charts(self):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        pdf = base64.b64decode(self.browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
        self.assertTrue(pdf.startswith(b"%PDF"))
        self.assertGreaterEqual(pdf.count(b"/Subtype /Image"), 10)  # a chart is an image
        self.assertEqual(self.ink_of_charts(), "#e9e7e2")  # and dark again on the screen
        self.script("window.dispatchEvent(new Event('beforeprint'))")
        self.assertEqual(self.ink_of_charts(), "#1d1d1b")
        self.script("window.dispatchEvent(new Event('afterprint'))")
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": [
            {"name": "prefers-color-scheme", "value": "dark"}]})
        self.assertEqual(self.paper(), "rgb(255, 255, 255)")
        for canvas in self.charts():
            self.assertGreater(canvas.size["width"] * canvas.size["height"], 10_000)

    def test_a_hostile_folder_cannot_put_markup_in(self):
        results = self.home / "hostile"
        shutil.copytree(self.results, results)
        sweep = json.loads((results / "sweep.json").read_text(encoding="utf-8"))
        sweep["program"] = sweep["command"] = EVIL
        sweep["axes"]["model"][0] = EVIL
        sweep["fixed"][EVIL] = EVIL
        (results / "sweep.json").write_text(json.dumps(sweep), encoding="utf-8")
        with open(results / "results.jsonl", "w", encoding="utf-8") as file:
            for number, row in enumerate(self.rows):
                if row["axes"]["model"] == "mixtral-8x7b":
                    row = {**row, "axes": {**row["axes"], "model": EVIL},
                           "run": {**row["run"], "model": EVIL, "policy": EVIL}}
                row = {**row, "command": EVIL}
                if number % 10 == 9:
                    row = {**row, "status": "failed", "error": EVIL}
                file.write(json.dumps(row) + "\n")
        page = self.home / "hostile.html"
        result = run("report", results, "--html", page)
        self.assertEqual((result.status, result.err), (0, b""), str(result))
        self.open(page)
        self.script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        self.choose("filters", "Model", EVIL)
        self.assertEqual(self.script("return [typeof window.hacked, document.images.length]"), ["undefined", 0])
        self.assertIn(EVIL, self.find("#study").text)

    def test_reproduced_figures_are_drawn_with_their_verdicts(self):
        results = self.folder / "figures"
        for words in (["reproduce", "--figure", "cost", "--out", results],
                      ["report", results, "--html", self.folder / "figures.html"]):
            result = run(*words)
            self.assertEqual(result.status, 0, str(result))
        self.open(self.folder / "figures.html")
        figure = json.loads((results / "figures.json").read_text(encoding="utf-8"))["figures"][0]
        self.assertRegex(self.find("h1").text, rf"^\d+ of {len(figure['verdicts'])} claims of the paper hold")
        rows = self.browser.find_elements(By.CSS_SELECTOR, "#claims-table tbody tr")
        self.assertEqual([row.find_elements(By.TAG_NAME, "td")[0].text for row in rows],
                         [verdict["claim"] for verdict in figure["verdicts"]])
        charts = self.charts()
        self.assertEqual(len(charts), len(figure["panels"]))
        for canvas in charts:
            self.assertGreater(len(self.drawn(canvas)), 3)

    def test_a_study_of_the_switch_has_lines_over_its_axes(self):
        results = self.folder / "switch"
        study = STUDY.parent / "optical-switch.yaml"
        for words in (["sweep", study, "--out", results],
                      ["report", results, "--html", self.folder / "switch.html"]):
            self.assertEqual(run(*words).status, 0)
        self.open(self.folder / "switch.html")
        self.choose("What the lines show", "Over", "Reconfiguration delay")
        lines = self.script("""
            const {datasets} = Chart.getChart(document.querySelector('#sensitivity canvas')).data;
            return Object.fromEntries(datasets.map(({label, data}) => [label, data.map(({x, y}) => [x, y])]));""")
        chosen = {row["axes"]["reconfiguration-delay"]: row["run"]["iteration_seconds"] for row in rows_of(results)
                  if row["run"]["fabric"] == "mixnet" and row["axes"]["degree"] == "6"
                  and row["axes"]["model"] == "mixtral-8x7b" and row["axes"]["bandwidth"] == "100Gbps"}
        expected = [chosen[delay] for delay in ("10us", "1ms", "10ms", "25ms", "100ms", "1s")]
        self.assertEqual([picoseconds(y) for _, y in lines["mixnet"]], [picoseconds(y) for y in expected])
        self.assertEqual([x for x, _ in lines["mixnet"]], [1e-5, 1e-3, 0.01, 0.025, 0.1, 1])
        self.assertEqual(len({y for _, y in lines["fat-tree"]}), 1)  # a level line


if __name__ == "__main__":
    if NO_BROWSER:
        print(f"report_test: {NO_BROWSER}: the page is not tested in a browser", file=sys.stderr)
    program.main()
