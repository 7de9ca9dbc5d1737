"""The page in Debian's Chromium, from its file, without a network: filters, players, slider, keyboard, long lists."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_runs import hostile, page_of, run_of
from paired_runs import right, shortened

CHROMIUM = shutil.which("chromium")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
MOST_ROWS = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium here: install Debian's package chromium"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


class Opened:
    """A page that was opened, with every complaint of the browser."""

    def __init__(self, browser: Any, file: Path, width: int = 1280) -> None:
        self.complaints: list[str] = []
        self.tab = browser.new_context(viewport={"width": width, "height": 900}, offline=True).new_page()
        self.tab.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        self.tab.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        self.tab.on("dialog", lambda asked: self.complaints.append(asked.message))
        self.tab.goto(file.resolve().as_uri())

    def count(self) -> int:
        self.tab.wait_for_timeout(250)  # typing is waited for by the page itself
        return int(self.tab.inner_text("#count").split(" of ")[0].replace(",", ""))

    def detail(self) -> str:
        return str(self.tab.inner_text("#detail"))


def played(tab: Any) -> float:
    """Seconds that the open item's sound has been played, a moment later."""
    tab.wait_for_timeout(50)
    return float(tab.evaluate("document.querySelector('#detail audio').currentTime"))


@pytest.fixture(scope="module")
def two(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Opened:
    folder = tmp_path_factory.mktemp("browsed")
    run = run_of(folder / "gold")
    page_of(run, run_of(folder / "hostile", hostile(shortened(right(), 3))))
    return Opened(browser, run / "report.html")


def test_hostile_answers_do_nothing_and_are_shown_as_they_are(two: Opened) -> None:
    two.tab.fill("#search", "onerror")
    assert two.count() == 1
    assert "</script><img src=x onerror=" in two.detail()
    assert two.tab.title() != "taken" and two.complaints == []
    two.tab.click("button[type=reset]")
    assert two.count() == 78


def test_filters_leave_what_they_say(two: Opened) -> None:
    two.tab.select_option("#status", "failed")
    assert two.count() == 1 and "<b>out of memory</b>" in two.detail()
    two.tab.select_option("#status", "")
    two.tab.select_option("#differs", "runs")
    differing = two.count()
    assert 0 < differing < 78
    two.tab.fill("#low", "1")
    assert 0 < two.count() <= differing
    two.tab.click("button[type=reset]")
    assert two.count() == 78


def test_edits_are_coloured_and_counted_as_the_error_rate_counts_them(two: Opened) -> None:
    two.tab.select_option("#differs", "runs")
    two.tab.select_option("#order", "best")
    two.count()
    seen = 0
    for _ in range(20):
        told = two.tab.locator("#detail .answer.now").all()
        for one in told:
            edits = one.locator(".edits")
            rate = re.search(r"^wer % ↓[^\t\n]*\t([\d.]+)", one.inner_text(), re.MULTILINE)
            if edits.count() and rate:
                found, units = (int(edits.first.get_attribute(f"data-{name}")) for name in ("edits", "units"))
                assert 100 * found / units == pytest.approx(float(rate[1]), rel=1e-3)
                assert edits.locator(".sub, .ins, .del").count() == found
                seen += 1
        two.tab.focus("#list")
        two.tab.keyboard.press("ArrowDown")
    two.tab.click("button[type=reset]")
    assert seen >= 10


def test_the_keyboard_moves_plays_and_searches(two: Opened) -> None:
    two.count()
    two.tab.focus("#list")
    for key, place in (("Home", "1"), ("ArrowDown", "2"), ("End", "78"), ("ArrowUp", "77")):
        two.tab.keyboard.press(key)
        assert two.tab.get_attribute(".row[aria-selected=true]", "aria-posinset") == place
    two.tab.keyboard.press(" ")
    assert any(played(two.tab) > 0.1 for _ in range(100))
    two.tab.keyboard.press("/")
    assert two.tab.evaluate("document.activeElement.id") == "search"
    assert two.complaints == []


def test_a_slider_shows_one_sample_across_the_scales(browser: Any, tmp_path: Path) -> None:
    asked = ["--tasks", "sf,story", "--model", "salmonn-nano-stage2", "--limit", "4", "--lora-scales", "0,4"]
    for words in (["sweep", *asked, "--run-dir", "run"], ["report", "run"]):
        subprocess.run([sys.executable, "-m", "salmonn_eval", *words], cwd=tmp_path, check=True, capture_output=True)
    opened = Opened(browser, tmp_path / "run/report.html")
    opened.tab.select_option("#set", index=1)
    opened.count()
    texts = []
    for scale in ("0", "1"):
        opened.tab.fill("#scale", scale)
        texts.append(opened.tab.inner_text("#detail .answer.now h4"))
    assert texts == ["scale 0", "scale 4"] and opened.complaints == []
    opened.tab.focus("#list")
    opened.tab.keyboard.press("ArrowLeft")
    assert opened.tab.inner_text("#detail .answer.now h4") == "scale 0"


def test_on_a_phone_an_item_opens_over_the_list_and_nothing_is_wider_than_the_page(
    browser: Any, tmp_path: Path
) -> None:
    run = run_of(tmp_path / "run", right()[:5])
    page_of(run)
    opened = Opened(browser, run / "report.html", width=390)
    assert opened.tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert not opened.tab.is_visible("#detail")
    opened.tab.locator(".row").nth(1).click()
    assert opened.tab.is_visible("#detail")
    opened.tab.keyboard.press("Escape")
    assert not opened.tab.is_visible("#detail") and opened.complaints == []


def test_twenty_thousand_items_stand_in_a_bounded_number_of_rows(browser: Any, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run")
    made, data, _ = page_of(run)
    data["entries"] = [{**entry, "id": f"{entry['id']}-{copy}"} for copy in range(257) for entry in data["entries"]]
    text = json.dumps(data).replace("<", "\\u003c")
    start = made.text.index('id="data">') + len('id="data">')
    end = made.text.index("</script>", start)
    long = run / "long.html"
    long.write_text(made.text[:start] + text + made.text[end:], encoding="utf-8")
    opened = Opened(browser, long)
    assert opened.count() == 78 * 257 > 20_000
    opened.tab.focus("#list")
    for key in ("End", "PageUp", "Home", "PageDown"):
        opened.tab.keyboard.press(key)
        opened.tab.wait_for_timeout(50)
        assert 0 < opened.tab.locator(".row").count() <= MOST_ROWS
    opened.tab.fill("#search", "-256")
    assert opened.count() == 78 and opened.complaints == []
