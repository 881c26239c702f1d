"""The HTML report in Chromium: it sorts, filters, folds, fits a phone and a page of paper, and axe finds nothing."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from synthetic_runs import RIGHT, add_two_tasks, add_wide, add_writer, attention_of
from waiting import LONGEST

from harness.comparison.comparison import compare
from harness.registry import FORMATS

pytestmark = pytest.mark.slow
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (extra dev)")

DESK, PHONE, PAPER = (
    {"width": 1200, "height": 800},
    {"width": 360, "height": 740},
    {"width": 680, "height": 1000},  # A4 within margins of 15 mm
)
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => { one.open = true; })"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A report on one task, one on two, a large one, and one on texts that are written."""
    folder = tmp_path_factory.mktemp("reports")
    add_two_tasks(folder / "two")
    add_wide(folder / "wide")
    add_writer(folder / "written", "bert-mini", RIGHT, attention_of(40, 40))
    add_writer(folder / "written", "scratch", ["a"] * len(RIGHT), attention_of(7, 3))
    shown = {"one": folder / "two/reviews/rotten_tomatoes"} | {
        name: folder / name for name in ("two", "wide", "written")
    }
    for name, runs in shown.items():
        file = folder / f"{name}.html"
        file.write_text(FORMATS.load("html")(compare(runs, description="Which one?")), encoding="utf-8")
        shown[name] = file
    return shown


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """One Chromium for all tests."""
    with sync_api.sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
        found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
        file = next((name for name in (*found, str(own) if own.is_file() else None) if name), None)
        if file is None:
            pytest.skip("there is no Chromium: `playwright install chromium`, or the system's package")
        words = ["--no-sandbox", "--disable-gpu"]
        chromium = playwright.chromium.launch(executable_path=file, args=words, timeout=1000 * LONGEST)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser, reports):
    """Opens a report in a form; nothing may be written to the console by the end of the test."""
    said, contexts = [], []

    def open_(name: str, size=DESK, **form):
        context = browser.new_context(viewport=size, **form)
        context.set_default_timeout(1000 * LONGEST)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith("file:") else said.append(request.url))
        page.goto(reports[name].as_uri())
        contexts.append(context)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert said == []


def column(page, table: str, place: int) -> list[str]:
    texts = f"(rows) => rows.map((row) => row.cells[{place}].textContent)"
    return page.eval_on_selector_all(f"{table} tbody tr", texts)


def test_a_click_on_a_heading_sorts_by_its_numbers_and_gaps_come_last(opened):
    page = opened("one")
    heading = page.locator(".lead thead th", has_text="Training time")
    place = heading.evaluate("(one) => one.cellIndex")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    falling = column(page, ".lead", place)
    assert falling[-2:] == ["0.02 s", "0.02 s"]
    heading.get_by_role("button").click()
    rising = column(page, ".lead", place)
    assert rising[:2] == ["0.02 s", "0.02 s"]
    assert sorted(rising) == sorted(falling)
    two = opened("two")
    two.locator(".matrix thead th", has_text="boolq").get_by_role("button").click()
    numbers = [float(text) for text in two.locator(".matrix td:nth-child(2) .number").all_inner_texts()]
    assert numbers == sorted(numbers, reverse=True)
    assert len(numbers) == 3
    assert {text.split(" ")[-1] for text in column(two, ".matrix", 1)[3:]} == {"run"}  # such as "not run"
    two.locator(".matrix thead th", has_text="Model").get_by_role("button").click()
    names = column(two, ".matrix", 0)
    assert names == sorted(names)


def test_the_filter_leaves_the_models_whose_name_has_it(opened):
    page = opened("two")
    page.get_by_label("Filter models").fill("MINI")
    seen = page.locator(".matrix tbody tr:visible th").all_inner_texts()
    assert [name.split()[0] for name in seen] == ["bert-mini", "roberta-mini", "xlnet-mini"]
    assert page.locator("#found").inner_text() == "3 of 6 models"
    page.evaluate(OPEN_ALL)
    assert page.locator("figure[data-model='scratch']:visible").count() == 0
    assert page.locator("figure[data-model='bert-mini']:visible").count() > 0
    page.get_by_label("Filter models").fill("")
    assert page.locator(".matrix tbody tr:visible").count() == 6


def test_all_parts_are_folded_and_unfolded_and_a_link_opens_its_task(opened):
    page = opened("wide")
    assert page.locator("details.task[open]").count() == 0
    page.get_by_role("link", name="task_with_a_name_7").click()
    page.wait_for_selector("details.task[open]")
    assert page.locator("details.task[open] > summary h3").all_inner_texts() == ["task_with_a_name_7"]
    page.get_by_role("button", name="Open all").click()
    assert page.locator("details:not([open])").count() == 0
    page.get_by_role("button", name="Close all").click()
    assert page.locator("details[open]").count() == 0


@pytest.mark.parametrize("name", ["one", "two", "wide"])
def test_the_first_screen_has_the_question_the_advice_and_every_model(opened, name: str):
    page = opened(name)
    table = page.locator("table").first
    box = table.bounding_box()
    assert box["y"] + box["height"] <= DESK["height"]
    assert table.locator("tbody tr").count() == {"one": 6, "two": 6, "wide": 12}[name]
    assert page.locator("h1").inner_text().startswith("Which model for ")
    assert page.locator(".advice").first.bounding_box()["y"] < box["y"]
    first_fold = page.locator("details").first.bounding_box()["y"]
    assert first_fold <= 3 * DESK["height"]


def test_a_large_report_is_small(reports):
    assert reports["wide"].stat().st_size < 2_000_000


@pytest.mark.parametrize("name", ["one", "two", "wide", "written"])
@pytest.mark.parametrize(
    ("size", "form"),
    [(DESK, {"color_scheme": "light"}), (DESK, {"color_scheme": "dark"}), (PHONE, {"color_scheme": "light"})],
    ids=["light", "dark", "phone"],
)
def test_nothing_is_wider_than_the_screen_and_letters_can_be_read(opened, tmp_path, name: str, size, form):
    page = opened(name, size, **form)
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(20, 23, 27)" if form["color_scheme"] == "dark" else "rgb(255, 255, 255)")
    page.screenshot(path=tmp_path / "closed.png")
    page.evaluate("document.querySelectorAll('details').forEach((one, place) => { one.open = place < 4; })")
    page.screenshot(path=tmp_path / "open.png", full_page=True)
    assert page.evaluate(OVERFLOW) <= 0
    small = page.eval_on_selector_all(
        "svg text",
        "(all) => all.filter((one) => one.getClientRects().length)"
        ".map((one) => [parseFloat(getComputedStyle(one).fontSize), one.getScreenCTM()])"
        ".map(([size, place]) => size * Math.hypot(place.a, place.b))",
    )
    assert small
    assert min(small) >= 10.9


def test_no_label_of_a_chart_hides_another(opened):
    page = opened("wide")
    page.evaluate(OPEN_ALL)
    charts = page.eval_on_selector_all(
        "svg.chart",
        "(charts) => charts.map((chart) => [...chart.querySelectorAll('text')].map((one) => {"
        " const box = one.getBBox(); return [one.textContent, box.x, box.y, box.width, box.height]; }))",
    )
    assert sum(map(len, charts)) > 100
    for texts in charts:
        for place, (one, x, y, width, height) in enumerate(texts):
            for other, x2, y2, width2, height2 in texts[:place]:
                across = min(x + width, x2 + width2) - max(x, x2)
                down = min(y + height, y2 + height2) - max(y, y2)
                assert min(across, down) <= 4, (one, other)


@pytest.mark.parametrize("has_script", [True, False])
def test_on_paper_folded_parts_are_open_and_no_table_is_cut(opened, tmp_path, has_script: bool):
    page = opened("wide", PAPER, java_script_enabled=has_script)
    page.emulate_media(media="print")
    assert page.locator("details[open]").count() == 0
    shown = page.locator("details.task .lead").last
    assert shown.bounding_box()["height"] > 300
    edges = page.eval_on_selector_all("table", "(all) => all.map((one) => one.getBoundingClientRect().right)")
    assert len(edges) > 30
    assert max(edges) <= PAPER["width"] + 1
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert (tmp_path / "report.pdf").read_bytes().count(b"/Type /Page\n") > 20


@pytest.mark.parametrize("size", [DESK, PHONE, PAPER], ids=["desk", "phone", "paper"])
def test_an_attention_map_is_whole_or_scrolls_and_its_words_stand_at_its_cells(opened, size):
    page = opened("written", size)
    if size is PAPER:
        page.emulate_media(media="print")
    page.evaluate(OPEN_ALL)
    for figure in page.locator("figure.map").all():
        box, drawn = figure.bounding_box(), figure.locator("svg.heat-map").bounding_box()
        assert box["x"] + box["width"] <= size["width"]
        is_scrolled = figure.evaluate("(one) => one.scrollWidth - one.clientWidth")
        assert drawn["width"] <= box["width"] + is_scrolled + 1
        assert size is PHONE or is_scrolled <= 0
        cells = figure.locator("rect").bounding_box()
        left, above = (
            [one.bounding_box() for one in figure.locator(which).all()]
            for which in ("text[text-anchor=end]", "text[transform]")
        )
        assert all(drawn["x"] <= word["x"] and word["x"] + word["width"] <= cells["x"] for word in left)
        assert all(drawn["y"] <= word["y"] and word["y"] + word["height"] <= cells["y"] for word in above)
        assert len(left) >= 3
        assert len(above) >= 7
    assert page.locator(".in-words").first.is_visible() == (size is not PAPER)


def test_without_a_script_all_is_there_but_the_tools(opened):
    page = opened("two", java_script_enabled=False)
    assert page.locator(".matrix tbody tr:visible").count() == 6
    assert not page.locator(".tools").is_visible()
    page.locator("details.task > summary").first.click()
    assert page.locator("details.task").first.locator(".lead").is_visible()


@pytest.mark.parametrize("name", ["two", "written"])
@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_axe_finds_nothing(opened, size, scheme: str, name: str):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed (extra dev)")
    page = opened(name, size, color_scheme=scheme)
    page.evaluate(OPEN_ALL)
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    assert len(found["passes"]) > 15
    assert [(one["id"], one["nodes"][0]["html"]) for one in found["violations"]] == []
