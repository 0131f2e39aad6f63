"""Pages in a real Chromium, for the tests of reports.

Without a browser (Debian: chromium, chromium-driver, python3-selenium) NO_BROWSER says what is missing.
"""

import json
import pathlib
import shutil

from program import ProgramTest, run

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select, WebDriverWait
    SELENIUM = True
except ImportError:
    SELENIUM = False

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
NO_BROWSER = ("python3-selenium is not installed" if not SELENIUM else
              "chromium is not installed" if CHROMIUM is None else
              "chromium-driver is not installed" if DRIVER is None else "")


def rows_of(folder):
    text = (folder / "results.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def started_browser(options):
    """On a machine that is busy the driver may miss its own deadline of 30 s."""
    for tries_left in (2, 1, 0):
        try:
            return webdriver.Chrome(service=webdriver.chrome.service.Service(DRIVER), options=options)
        except WebDriverException:
            if tries_left == 0:
                raise


class Page(ProgramTest):
    """The page of a study. One sweep and one browser serve all tests of a class."""

    study = ""  # its text

    @classmethod
    def setUpClass(cls):
        cls.home = pathlib.Path(cls.__name__).resolve()
        shutil.rmtree(cls.home, ignore_errors=True)
        cls.home.mkdir()
        cls.results = cls.home / "results"
        study = cls.home / "study.yaml"
        study.write_text(cls.study, encoding="utf-8")
        for words in (["sweep", study, "--out", cls.results],
                      ["report", cls.results, "--html", cls.home / "report.html"]):
            result = run(*words)
            if result.status != 0:
                raise AssertionError(str(result))
        cls.rows = rows_of(cls.results)
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1280,1000", f"--user-data-dir={cls.home / 'profile'}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.browser = started_browser(options)
        cls.browser.set_script_timeout(60)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()
        shutil.rmtree(cls.home, ignore_errors=True)

    def setUp(self):
        super().setUp()
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
        self.browser.set_window_size(1280, 1000)
        self.open(self.home / "report.html")

    def tearDown(self):
        self.assertEqual(self.browser.get_log("browser"), [])  # no error, no refused request

    def open(self, page):
        self.browser.get(page.resolve().as_uri())
        # A page that fails is never ready; a busy machine takes its time.
        WebDriverWait(self.browser, 60).until(
            lambda _: self.script("return document.documentElement.dataset.ready") == "yes", "page is not ready")

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def find(self, selector):
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def column(self, key):
        """The texts of a column of the table, from the top."""
        return self.script("""
            const place = [...document.querySelectorAll('#table thead th')]
              .findIndex((head) => head.dataset.key === arguments[0]);
            return [...document.querySelectorAll('#table tbody tr')]
              .map((row) => row.children[place].textContent);""", key)

    def charts(self):
        return self.browser.find_elements(By.CSS_SELECTOR, "canvas[role=img]")

    def choose(self, group, label, text):
        field = self.browser.find_element(
            By.XPATH, f"//*[@aria-label='{group}' or @id='{group}']//label[.='{label}']")
        Select(self.find("#" + field.get_attribute("for"))).select_by_visible_text(text)

    def drawn(self, canvas):
        """Colours of a chart's pixels that are not transparent."""
        return self.script("""
            const {width, height} = arguments[0];
            const pixels = arguments[0].getContext('2d').getImageData(0, 0, width, height).data;
            const colours = new Map();
            for (let i = 0; i < pixels.length; i += 4) {
              if (pixels[i + 3] < 255) continue;
              const colour = pixels.slice(i, i + 3).join(',');
              colours.set(colour, (colours.get(colour) || 0) + 1);
            }
            return Object.fromEntries(colours);""", canvas)

    def wide(self):
        return self.script("return document.documentElement.scrollWidth")
