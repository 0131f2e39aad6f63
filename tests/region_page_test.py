"""The page of mixnetd in a real Chromium: it draws the circuits of /state.json, live; nothing comes from elsewhere.

With MIXNET_RECORD_IMAGES set, the screenshots in docs/images are made anew. Without a browser only what needs none
is tested.
"""

import base64
import http.client
import json
import os
import pathlib
import re
import subprocess
import time
import unittest

import program
from program import DATA, ProgramTest
from report_page import CHROMIUM, NO_BROWSER, started_browser

if not NO_BROWSER:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

ROOT = DATA.parent
IMAGES = ROOT / "docs" / "images"
RECORD = os.environ.get("MIXNET_RECORD_IMAGES")
BUILD = pathlib.Path(program.PROGRAM).resolve().parent
JOB = BUILD / "tests" / "region_job"
MISSING = [str(path) for path in (BUILD / "mixnetd", BUILD / "mixnet-ctl", BUILD / "mixnet-ocs", JOB)
           if not os.access(path, os.X_OK)]
MOST_IMAGE_BYTES = 150_000
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}


class DocsTest(unittest.TestCase):
    """What the documents promise of alarms and pictures."""

    def test_every_alarm_says_what_to_do(self):
        text = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
        sections = {match[1]: match[2] for match in
                    re.finditer(r"^### (\S+)\n(.*?)(?=^##|\Z)", text, re.MULTILINE | re.DOTALL)}
        source = (ROOT / "src/brain/region/region_messages.cc").read_text(encoding="utf-8")
        codes = re.findall(r'case AlarmCode::k\w+:\s*return "([a-z-]+)"', source)
        self.assertGreater(len(codes), 10)
        for code in [*codes, "switch-event", "certificate-expires"]:
            self.assertIn(code, sections)
            self.assertRegex(sections[code], r"(?s)\*\*Means\.\*\* .+\*\*Do\.\*\*.+", code)

    def test_every_metric_is_documented(self):
        source = (ROOT / "src/switch/monitor/region_metrics.cc").read_text(encoding="utf-8")
        names = set(re.findall(r'"((?:mixnet|process)_[a-z_]+)"', source))
        self.assertGreater(len(names), 25)
        text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
        self.assertEqual([name for name in sorted(names) if name not in text], [])

    def test_pictures_are_there_and_small(self):
        text = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
        for name in ("healthy", "drained", "alarm"):
            image = IMAGES / f"region-{name}.png"
            self.assertIn(f"images/region-{name}.png", text)
            if RECORD and not image.exists():
                continue  # about to be made
            self.assertLess(1_000, image.stat().st_size)
            self.assertLess(image.stat().st_size, MOST_IMAGE_BYTES)


@unittest.skipIf(MISSING, f"not built: {', '.join(MISSING)}")
@unittest.skipIf(NO_BROWSER, NO_BROWSER)
class RegionPageTest(ProgramTest):
    """One browser; each test has a switch, a daemon and two jobs of its own."""

    @classmethod
    def setUpClass(cls):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1280,1000", "--hide-scrollbars"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = started_browser(options)
        cls.browser.set_script_timeout(60)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    def setUp(self):
        super().setUp()
        from daemon_program import start  # pylint: disable=import-outside-toplevel
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
        self.browser.set_window_size(1280, 1000)
        self.browser.get("about:blank")
        for kind in ("browser", "performance"):
            self.browser.get_log(kind)
        self.switch, self.daemon = start(self, controller="  budget: 2000\n  policy: block\n")
        self.page = self.daemon.at["page"]

    def jobs(self):
        self.daemon.ctl("tenant", "add", 17, "gpu-[0-5]")
        self.daemon.ctl("tenant", "add", 18, "gpu-[6-7]")
        self.daemon.ctl("pin", "1-13")
        self.demand(17, 1, 6)
        self.demand(18, 1, 2)
        self.eventually(lambda: [one["step"] for one in self.state()["tenants"]] == ["settled", "settled"] and
                        len(self.state()["circuits"]) > 8)

    def demand(self, tenant, sequence, servers):
        subprocess.run([str(JOB), self.daemon.api, str(tenant), str(sequence), str(servers), str(sequence)],
                       check=True, timeout=30 * program.SLOWDOWN)

    def state(self):
        connection = http.client.HTTPConnection(self.page, timeout=10 * program.SLOWDOWN)
        connection.request("GET", "/state.json")
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return json.loads(text) if answer.status == 200 else {"tenants": [], "circuits": []}

    def eventually(self, is_so, seconds=20):
        deadline = time.monotonic() + seconds * program.SLOWDOWN
        while not is_so():
            self.assertLess(time.monotonic(), deadline, f"{self.state()}")
            time.sleep(.05)

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def open(self):
        self.browser.get(f"http://{self.page}/")
        WebDriverWait(self.browser, 60).until(
            lambda _: self.script("return document.documentElement.dataset.ready") == "yes", "page is not ready")

    def drawn(self):
        """{(a, b)} of circuits that are seen, not to come, and what state the page has of them."""
        return {tuple(pair) for pair in self.script(
            "return [...document.querySelectorAll('path.circuit[data-a]:not(.coming)')]"
            ".map((path) => [Number(path.dataset.a), Number(path.dataset.b)]);")}

    def lit(self):
        return {(one["a"], one["b"]) for one in self.state()["circuits"] if one["state"] != "coming"}

    def nothing_wrong(self, but=()):
        """No error on the console, and no request but to the daemon."""
        said = [one for one in self.browser.get_log("browser") if not any(word in one["message"] for word in but)]
        self.assertEqual(said, [])
        asked = [message["params"]["request"]["url"] for message in
                 (json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance"))
                 if message["method"] == "Network.requestWillBeSent"]
        self.assertTrue(asked)
        self.assertEqual([url for url in asked if not url.startswith((f"http://{self.page}/", "data:", "about:"))], [])

    def picture(self, name):
        if not RECORD:
            return
        self.browser.set_window_size(1000, 1000)
        time.sleep(.5)
        shot = self.browser.execute_cdp_cmd("Page.captureScreenshot", {
            "format": "png", "clip": {"x": 0, "y": 0, "width": 1000, "height": 1000, "scale": .8},
            "captureBeyondViewport": True})
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"region-{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def test_draws_what_is_lit_and_follows(self):
        self.jobs()
        self.open()
        self.eventually(lambda: self.drawn() == self.lit())
        self.assertGreater(len(self.lit()), 8)
        self.assertEqual(self.find("h1").text, "row")
        self.assertIn("Ready.", self.find("#banners").text)
        self.assertIn("tenant 17, 6 servers", self.find("#legend").text)
        self.assertIn("pinned", self.find("#legend").text)
        self.picture("healthy")
        # Another demand moves circuits; the page follows without being loaded again.
        before = self.lit()
        self.demand(17, 2, 6)
        self.eventually(lambda: self.lit() != before)
        self.eventually(lambda: self.drawn() == self.lit())
        self.assertRegex(self.find("#latency").text, r"\d+ reconfigurations?, from an event")
        # A server is drained: marked, and its circuits go.
        self.daemon.ctl("drain", "gpu-1", "--wait")
        self.eventually(lambda: "drained" in self.script(
            "return document.querySelector('[data-name=gpu-1]').getAttribute('class')"))
        self.eventually(lambda: not any(port // 4 == 1 for pair in self.drawn() for port in pair))
        self.eventually(lambda: self.drawn() == self.lit())
        self.assertIn("drained server", self.find("#legend").text)
        self.picture("drained")
        self.daemon.ctl("undrain", "gpu-1")
        self.daemon.ctl("hold")
        self.eventually(lambda: "Held" in self.find("#banners").text)
        self.nothing_wrong()

    def test_an_alarm_comes_with_what_to_do(self):
        self.jobs()
        self.open()
        self.assertIn("None since the daemon began.", self.find("#alarms").text)
        self.switch.control("fault stuck@idle port=6")
        for sequence in range(2, 20):  # until one wants that port elsewhere
            self.demand(17, sequence, 6)
            time.sleep(.1)
            if any(one["code"] == "port-suspect" for one in self.state()["alarms"]):
                break
        self.daemon.ctl("tenant", "add", 19, "gpu-7", status=1)
        self.eventually(lambda: "Remove the job that holds the servers" in self.find("#alarms").text)
        self.assertIn("docs/alarms.md#tenant-refused", self.find("#alarms").text)
        self.eventually(lambda: "suspect NIC" in self.find("#legend").text)
        self.picture("alarm")
        self.nothing_wrong()

    def test_pointing_tells_names_and_tables_have_them(self):
        self.jobs()
        self.open()
        self.script("document.querySelector('[data-server=\"2\"]')"
                    ".dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));")
        self.assertRegex(self.find("#detail").text, r"^gpu-2; tenant 17; NICs: \d lit")
        self.script("document.querySelector('[data-circuit]')"
                    ".dispatchEvent(new PointerEvent('pointermove', {bubbles: true}));")
        self.assertRegex(self.find("#detail").text, r"^gpu-\d:optical\d to gpu-\d:optical\d: lit")
        self.find("#circuit-table summary").click()
        self.eventually(lambda: len(self.browser.find_elements(By.CSS_SELECTOR, "#circuit-table tbody tr")) ==
                        8 + len(self.state()["circuits"]))
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "#demand canvas")), 1)
        self.nothing_wrong()

    def test_a_phone_and_the_dark(self):
        self.jobs()
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
        grounds = set()
        for scheme in ("light", "dark"):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme", "value": scheme}]})
            self.open()
            self.assertEqual(self.script("return innerWidth"), 360)
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), 360)
            self.eventually(lambda: self.drawn() == self.lit())
            grounds.add(self.script("return getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(grounds), 2)
        self.nothing_wrong()

    def test_a_region_without_jobs(self):
        self.open()
        self.assertIn("No tenant", self.find("#demand").text)
        self.assertEqual(self.drawn(), set())
        self.assertEqual(len(self.browser.find_elements(By.CSS_SELECTOR, "#diagram .wedge")), 8)
        self.nothing_wrong()

    def test_regions_of_any_size_and_names_of_any_kind(self):
        """The page alone: what it is given is made from a real document."""
        self.open()
        self.daemon.ctl("hold")  # nothing else comes meanwhile
        self.eventually(lambda: "Held" in self.find("#banners").text)
        for servers in (0, 1, 2, 24, 64, 128, 512):
            for width in (360, 1280):
                with self.subTest(servers=servers, width=width):
                    self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {**PHONE, "width": width})
                    self.draw(servers)
                    self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), width)
                    count = len(self.browser.find_elements(By.CSS_SELECTOR, "#diagram .wedge"))
                    self.assertEqual(count, servers)
                    self.assertEqual(self.script("return document.querySelectorAll('#diagram .nic').length"),
                                     servers * 6 if servers <= 64 else 0)
                    self.assertEqual(self.script("return document.querySelectorAll('img, iframe').length"), 0)
                    self.assertNotIn("NaN", self.find("#diagram").get_attribute("innerHTML"))
        self.assertIn("<img src=x onerror=alert(1)>", self.find("#alarms").text)
        self.nothing_wrong()

    def draw(self, servers):
        self.script("""
            const count = arguments[0];
            const state = structuredClone(page.state);
            state.region = '<b>row</b>';
            state.servers = Array.from({length: count}, (_, i) => ({
              name: i % 7 === 3 ? `<script>alert(${i})</script>` : `gpu-with-a-long-name-${i}`, tenant: 1, drained: i === 1,
              failed: i === 2, eps: i !== 2, nics: Array.from({length: 6}, (_, k) => ({
                port: i * 6 + k, position: i * 6 + k + 1, interface: `eth${k}`,
                state: ['lit', 'dark', 'suspect', 'failed', 'lit', 'lit'][k], forbidden: k === 5}))}));
            state.circuits = Array.from({length: Math.max(0, count - 1) * 3}, (_, i) => ({
              a: Math.floor(i / 3) * 6 + i % 3, b: Math.floor(i / 3 + 1) * 6 + 3 + i % 3, tenant: 1,
              state: ['lit', 'going', 'coming'][i % 3], pinned: i === 0}));
            state.circuits.push({a: 999999, b: 0, tenant: 9, state: 'lit'});
            const cells = Math.min(count, 64);
            state.tenants = count < 2 ? [] : [{tenant: 1, servers: Array.from({length: count}, (_, i) => i), step: 'settled',
              leaving: false, phase: 7, running: 0, epoch: 1, served_ratio: .5, cut: [[0, 1]], demand: {
                group: Math.ceil(count / 64), cells, bytes: Array.from({length: cells * cells}, (_, i) => i * 1e12)}}];
            state.alarms = [{at_ms: 0, severity: 'critical', code: 'servers-cut', tenant: 1,
              text: '<img src=x onerror=alert(1)>', advice: 'x'.repeat(300)}];
            page.state = state;
            draw();
            document.querySelector('#circuit-table details').open = count <= 64;
            drawCircuitTable(state);""", servers)

    def test_a_daemon_that_is_gone_is_seen(self):
        self.open()
        self.daemon.stop()
        self.eventually(lambda: "Stale since" in self.find("#banners").text)
        self.nothing_wrong(but=("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR"))


if __name__ == "__main__":
    program.main()
