"""The report page in a real browser: from a file, without a network."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from page_files import HOSTILE, PageFile
from paired_runs import answered, right, rows, shortened

from salmonn_eval.records import Variant
from salmonn_eval.report.page.build import Wanted, write_page

pytestmark = pytest.mark.slow

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
MOST_ROWS = 40
PLAYS = """() => new Promise((done) => {
  const audio = document.querySelector(".sounds audio");
  const look = () => audio.currentTime > 0 && done();
  audio.addEventListener("timeupdate", look);
  look();
})"""
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[dev]'")
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        yield made
        made.close()


class Seen:
    """A page that is open, what it complained of, and what it asked for beyond itself."""

    def __init__(self, browser: Any, path: Path, **context: Any) -> None:
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())

    def count(self) -> str:
        found: str = self.page.inner_text("#count")
        return found

    def said(self, run: int = 0) -> str:
        found: str = self.page.locator(f".answer[data-run='{run}'] .said").evaluate("box => box.textContent")
        return found

    def search(self, words: str, count: str) -> None:
        self.page.fill("#search", words)
        self.settled("#count", count)

    def settled(self, place: str, text: str) -> None:
        """Wait until a place says `text` (without evaluating any, which the page's policy forbids)."""
        self.page.locator(place).filter(has_text=re.compile(f"^{re.escape(text)}$")).first.wait_for()

    def plays(self) -> None:
        """Wait until the player moves."""
        self.page.evaluate(PLAYS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seen")


@pytest.fixture(scope="module")
def swept(folder: Path) -> Path:
    """A page of two tasks at two scales; the first answers of scale 0 are hostile, every second of scale 4 is short."""
    answers = [*right(lora_scale=0.0, task="asr"), *shortened(right(lora_scale=4.0, task="asr"), 2)]
    for place, text in enumerate(HOSTILE):
        answers[place]["prediction"] = text
    answers[len(HOSTILE)]["prediction"] = "W IY1 AO1 L F AO1 L D AW1 N"
    answers += [{**row, "lora_scale": scale} for scale in (0.0, 4.0) for row in right("mini-real/pr", task="pr")]
    variants = (Variant(lora_scale=0.0), Variant(lora_scale=4.0))
    run = answered(folder / "swept", answers, "asr:mini-real,pr:mini-real", variants=variants, adapter=4.0)
    write_page([run], folder / "swept.html")
    return folder / "swept.html"


@pytest.fixture
def seen(browser: Any, swept: Path) -> Iterator[Seen]:
    made = Seen(browser, swept)
    yield made
    assert not made.faults
    made.context.close()


def test_it_opens_from_a_file_and_asks_for_nothing(seen: Seen, swept: Path) -> None:
    assert seen.count() == "138 samples"
    assert seen.page.locator("h1").inner_text() == "replay"
    assert seen.page.locator("figure svg").count() >= 3
    beyond = [url for url in seen.asked if not url.startswith("data:")]
    assert beyond == [swept.as_uri()]


def test_filters_narrow_the_list(seen: Seen, swept: Path) -> None:
    page = seen.page
    low = [one for one in PageFile(swept).answers() if one["scale"] == 4 and one["set"] == 0 and one["score"] <= 0.95]
    assert 20 < len(low) < 40
    page.select_option("#by-set", label="pr · mini-real")
    assert seen.count() == "60 of 138 samples"
    page.select_option("#by-set", label="asr · mini-real")
    page.select_option("#by-scale", label="4 (its own)")
    assert seen.count() == "78 of 138 samples"
    page.fill("#by-high", "0.95")
    assert seen.count() == f"{len(low)} of 138 samples"
    page.select_option("#by-scale", label="0")
    assert seen.count() == f"{len(HOSTILE) + 1} of 138 samples"
    page.click("#clear")
    assert seen.count() == "138 samples"
    other = page.locator("#by-performed option").all_inner_texts()
    assert other[0] == "any" and "as asked" in other and len(other) > 2
    page.select_option("#by-performed", label="as asked")
    page.select_option("#by-order", label="worst first")
    scores = [float(text) for text in page.locator(".row .mark:last-child").all_inner_texts()[:5]]
    assert scores == sorted(scores) and scores[0] < 1


def test_search_finds_answers_references_and_ids(seen: Seen) -> None:
    row = rows()[30]
    words = row["references"][0].lower().split()[:4]
    said = [json.dumps(one, ensure_ascii=False).lower() for file in ("asr", "pr") for one in rows(f"mini-real/{file}")]
    holding = [sum(all(word in text for word in looked) for text in said) for looked in (words, [row["id"].lower()])]
    assert all(0 < count < 30 for count in holding)
    seen.search(" ".join(reversed(words)).upper(), f"{holding[0]} of 138 samples")
    seen.search(row["id"], f"{holding[1]} of 138 samples")
    seen.search("no such thing anywhere", "0 of 138 samples")
    assert "No sample fits" in seen.page.inner_text("#list")
    seen.search("alert HIT", "0 of 138 samples")
    seen.search("window.hit", "5 of 138 samples")
    seen.search("", "138 samples")


def test_the_slider_shows_the_answer_at_every_scale(seen: Seen) -> None:
    page, gold = seen.page, rows()[20]["references"][0]
    page.select_option("#by-set", label="asr · mini-real")
    page.fill("#search", gold)
    seen.settled("#count", "1 of 138 samples")
    page.click("#row-0")
    assert page.inner_text(".scales output") == "scale 4 (own)"
    assert seen.said() == gold.rpartition(" ")[0]
    assert page.locator(".aligned .unit.d i:first-child").all_inner_texts() == [gold.split()[-1].lower()]
    page.focus("#scale")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".scales output") == "scale 0"
    assert seen.said() == gold
    assert page.evaluate("document.activeElement.id") == "scale"
    page.locator(".stop").nth(1).click()
    assert seen.said() == gold.rpartition(" ")[0]


def test_it_plays_what_was_heard_and_plays_on_at_another_scale(seen: Seen) -> None:
    page = seen.page
    page.click("#row-3")
    page.keyboard.press("p")
    seen.plays()
    page.focus("#list")
    page.keyboard.press("ArrowLeft")
    assert page.inner_text(".scales output") == "scale 0"
    assert page.evaluate("!document.querySelector('.sounds audio').paused || document.querySelector('audio').ended")


def test_what_a_model_wrote_does_nothing(seen: Seen) -> None:
    page = seen.page
    before = page.evaluate("document.querySelectorAll('body script, body img, body style, body a').length")
    page.select_option("#by-scale", label="0")
    for place, text in enumerate(HOSTILE):
        page.click(f"#row-{place}")
        assert seen.said() == text
    page.click("#clear")
    assert page.evaluate("document.querySelectorAll('body script, body img, body style, body a').length") == before
    assert page.evaluate("window.hit") is None


def test_the_keyboard_does_it_all(seen: Seen) -> None:
    page = seen.page
    page.focus("#list")
    for key, row in (("ArrowDown", 1), ("j", 2), ("k", 1), ("End", 137), ("Home", 0)):
        page.keyboard.press(key)
        assert page.get_attribute("#list", "aria-activedescendant") == f"row-{row}"
        assert page.get_attribute(f"#row-{row}", "aria-selected") == "true"
        assert page.locator("[aria-selected=true]").count() == 1
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search"
    page.keyboard.press("j")  # types
    assert page.input_value("#search") == "j"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.id") == "list"


def test_an_address_opens_its_sample(browser: Any, swept: Path) -> None:
    seen = Seen(browser, swept)
    seen.page.goto(f"{swept.as_uri()}#s=99")
    seen.page.reload()
    assert seen.page.get_attribute("#list", "aria-activedescendant") == "row-99"
    seen.context.close()


def test_twenty_thousand_samples_are_a_few_rows(browser: Any, swept: Path, folder: Path) -> None:
    made = PageFile(swept)
    inside = made.script("data")
    data = json.loads(inside)
    ids = len(data["texts"])
    data["texts"] += [f"sample-{number}" for number in range(20_010)]
    data["samples"] = [
        [one[0], ids + number, *one[2:]]
        for number, one in enumerate((data["samples"] * 145)[:20_010])
    ]  # fmt: skip
    large = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    (folder / "large.html").write_text(made.source.replace(inside, large), encoding="utf-8")
    seen = Seen(browser, folder / "large.html")
    page = seen.page
    assert seen.count() == "20,010 samples"
    assert 5 < page.locator(".row").count() <= MOST_ROWS
    elements = page.evaluate("document.querySelectorAll('*').length")
    page.evaluate("document.getElementById('list').scrollTop = 1e9")
    page.wait_for_selector("#row-20009")
    assert page.locator(".row").count() <= MOST_ROWS
    page.evaluate("document.getElementById('list').scrollTop = 500000")
    page.wait_for_selector("#row-6950")
    assert page.locator(".row").count() <= MOST_ROWS
    seen.search("sample-19999", "1 of 20,010 samples")
    seen.search("", "20,010 samples")
    page.select_option("#by-performed", label="as asked")
    page.select_option("#by-order", label="worst first")
    assert page.locator(".row").count() <= MOST_ROWS
    assert page.evaluate("document.querySelectorAll('*').length") < elements + 500
    assert not seen.faults
    seen.context.close()


def test_a_phone_shows_list_then_sample_and_nothing_sticks_out(browser: Any, swept: Path) -> None:
    seen = Seen(browser, swept, viewport=PHONE, has_touch=True, is_mobile=True)
    page = seen.page
    wide = "() => document.documentElement.scrollWidth"
    assert page.evaluate(wide) == PHONE["width"]
    assert not page.is_visible("#detail") and not page.is_visible("#by-set")
    page.click("#more > summary")
    assert page.evaluate(wide) == PHONE["width"]
    page.select_option("#by-set", label="pr · mini-real")
    page.tap("#row-3")
    assert page.is_visible("#detail") and page.evaluate("document.activeElement.className") == "back"
    assert page.evaluate("document.getElementById('detail').scrollWidth") == PHONE["width"]
    page.tap("[aria-label='next sample']")
    assert page.get_attribute("#list", "aria-activedescendant") == "row-4"
    page.tap(".back")
    assert not page.is_visible("#detail") and page.evaluate(wide) == PHONE["width"]
    assert not seen.faults
    seen.context.close()


CONTRAST = """pairs => {
  const probe = document.body.appendChild(document.createElement("i"));
  const light = (name) => {
    probe.style.color = `var(${name})`;
    const parts = getComputedStyle(probe).color.match(/[0-9.]+/g).slice(0, 3).map((part) => part / 255)
      .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  return pairs.map((pair) => {
    const [low, high] = pair.map(light).sort((a, b) => a - b);
    return [pair.join(" on "), (high + 0.05) / (low + 0.05)];
  });
}"""
PAIRS = [
    *([ink, ground] for ink in ("--ink", "--muted", "--accent", "--warn") for ground in ("--ground", "--surface")),
    *([ink, ground] for ink in ("--ink", "--muted") for ground in ("--sunk", "--accent-soft")),
    ["--good", "--good-soft"], ["--bad", "--bad-soft"], ["--warn", "--warn-soft"], ["--blue", "--blue-soft"],
    ["--ground", "--a"], ["--ground", "--b"],
]  # fmt: skip


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_both_themes(browser: Any, swept: Path, scheme: str) -> None:
    seen = Seen(browser, swept, color_scheme=scheme)
    by_system = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    low = [(pair, ratio) for pair, ratio in seen.page.evaluate(CONTRAST, PAIRS) if ratio < 4.5]
    assert not low
    seen.page.click("#theme")  # light
    if scheme == "light":
        seen.page.click("#theme")  # dark
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") != by_system
    assert not [pair for pair, ratio in seen.page.evaluate(CONTRAST, PAIRS) if ratio < 4.5]
    seen.context.close()


def test_two_runs_side_by_side_with_sounds_beside_the_page(browser: Any, folder: Path) -> None:
    gold, worse = answered(folder / "gold", right()), answered(folder / "worse", shortened(right(), 3))
    write_page([gold, worse], folder / "two.html", Wanted(audio_cap=0))
    seen = Seen(browser, folder / "two.html")
    page = seen.page
    assert page.locator(".answer").count() == 2 and page.locator("#detail audio").count() == 1
    page.select_option("#by-change", label="A and B differ")
    assert seen.count() == "26 of 78 samples"
    page.select_option("#by-change", label="A scores higher")
    page.click("#row-5")
    assert seen.said(0).rpartition(" ")[0] == seen.said(1)
    page.keyboard.press("p")
    seen.plays()
    assert not seen.faults
    (folder / "two-audio").rename(folder / "moved")
    page.reload()
    page.locator(".sound", has_text="the folder beside the page belongs to it").wait_for()
    seen.context.close()
