"""The contract of every registered format, and that of each."""

import csv
import io
import os
import re
import shutil
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import Environment
from rich.console import Console
from synthetic_runs import add_runs, card, record, save

from harness.comparison.comparison import compare
from harness.comparison.results import Comparison
from harness.record import RECORD
from harness.registry import FORMATS
from harness.reporting.entries import Entry, Table
from harness.reporting.templates import rendered
from harness.reporting.terminal import print_table, show

HOSTILE = "a_b&<script>%|$#{}^~\\`*[x](javascript:y)[bold]"
HOSTILE_REASON = "</pre><img src=x onerror=alert(1)>"
VOID = {"meta", "input", "wbr", "line", "circle", "path", "br", "link", "img", "hr"}


def terminal(comparison: Comparison, width: int = 200) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    show(comparison, console)
    return console.file.getvalue()


RENDERERS = {name: FORMATS.load(name) for name in FORMATS.names()} | {"terminal": terminal}


def test_the_formats_are_found():
    assert set(RENDERERS) == {"html", "markdown", "latex", "csv", "terminal"}


@pytest.fixture(scope="module")
def hostile(two_tasks: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    runs = shutil.copytree(two_tasks, tmp_path_factory.mktemp("hostile") / "runs")
    task_card = card().model_copy(update={"description": HOSTILE_REASON, "citation": HOSTILE, "licence": HOSTILE})
    add_runs(runs, HOSTILE, 0.8, task=HOSTILE, task_card=task_card)
    add_runs(runs, "=HYPERLINK(1)", 0.7, task=HOSTILE, task_card=task_card)
    save(runs, record(model=HOSTILE, task=HOSTILE, seed=9, status="failed", reason=HOSTILE_REASON), None)
    return compare(runs, description=HOSTILE)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", RENDERERS)
def test_every_model_and_task_is_in_every_format(comparison: Comparison, name: str):
    text = RENDERERS[name](comparison).replace("\\_", "_")
    assert all(word in text for word in ("bert-mini", "xlnet-mini", "majority", "boolq", "rotten_tomatoes"))


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", RENDERERS)
def test_every_format_shows_gaps_and_what_diverged_or_failed(comparison: Comparison, name: str):
    text = RENDERERS[name](comparison)
    assert "not run" in text
    assert "diverged" in text
    assert "failed" in text
    assert "nan" not in re.sub("loss nan at step 40", "", text).lower().replace("finance", "")
    assert "None" not in text


@pytest.mark.parametrize("name", RENDERERS)
def test_a_task_without_any_score_is_rendered(tmp_path: Path, name: str):
    save(tmp_path, record(status="diverged", reason="loss nan"), None)
    assert "diverged" in RENDERERS[name](compare(tmp_path)).replace(",1,0,", ",diverged,")


@pytest.fixture(scope="module")
def unreadable(two_tasks: Path, tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    runs = shutil.copytree(two_tasks, tmp_path_factory.mktemp("unreadable") / "runs")
    (runs / "reviews" / "boolq" / "scratch" / "seed-0" / RECORD).write_text("{")
    return compare(runs)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", RENDERERS)
def test_unreadable_records_stop_no_format_and_every_one_for_readers_lists_them(unreadable: Comparison, name: str):
    text = RENDERERS[name](unreadable)
    assert "scratch" in text
    assert name == "csv" or "not a whole record" in text


def test_what_an_interval_of_a_single_seed_leaves_out_is_told_beside_what_others_include(tmp_path: Path):
    add_runs(tmp_path, "bert-mini", 0.8)
    several = compare(tmp_path)
    assert FORMATS.load("markdown")(several).startswith("# Comparison of 1 model on 1 task\n")
    add_runs(tmp_path, "once", 0.7, range(1))
    single = compare(tmp_path)
    for name, told in (
        ("markdown", "of a single seed, only the former"),
        ("latex", "of a single seed over test examples"),
    ):
        assert told not in FORMATS.load(name)(several)
        assert told in FORMATS.load(name)(single)


@pytest.mark.parametrize("name", ["html", "markdown"])
def test_a_suites_description_is_the_subtitle(comparison: Comparison, name: str):
    described = replace(comparison, description="Which small model reads reviews?")
    assert "Which small model reads reviews?" in RENDERERS[name](described)
    assert '<p class="card"></p>' not in RENDERERS[name](comparison)


@pytest.mark.slow
def test_markdown_escapes_a_description(hostile: Comparison):
    assert HOSTILE not in RENDERERS["markdown"](hostile)
    escaped = FORMATS.entry("markdown").module().escaped
    assert f"\n{escaped(HOSTILE)}\n" in RENDERERS["markdown"](hostile)


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", RENDERERS)
def test_rendering_is_repeatable_and_hostile_names_survive_it(hostile: Comparison, name: str):
    assert RENDERERS[name](hostile) == RENDERERS[name](hostile)


class Page(HTMLParser):
    """What a page holds, and whether its elements nest."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID or (tag in ("line", "circle", "path") and not self.get_starttag_text().endswith("/>")):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_html_escapes_what_it_did_not_write(hostile: Comparison):
    page = Page(RENDERERS["html"](hostile))
    assert page.all("script") == [{}]
    script = (Path(FORMATS.entry("html").file).with_name("report.js")).read_text()
    assert [text.strip() for text in page.texts if "use strict" in text] == [script.strip()]
    assert not page.all("img")
    assert any(HOSTILE in text for text in page.texts)
    assert any(HOSTILE_REASON in text for text in page.texts)
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]


def test_html_needs_nothing_from_elsewhere(comparison: Comparison):
    text = RENDERERS["html"](comparison)
    page = Page(text)
    assert {link["href"][0] for link in page.all("a")} == {"#"}
    assert not [attributes for _, attributes in page.tags if "src" in attributes]
    assert not page.all("link")
    assert "@import" not in text
    assert "url(" not in text


@pytest.mark.slow
def test_html_says_how_to_run_it_again(runs: Path):
    from harness.folders import SINGLE

    add_runs(runs, "bert-mini", 0.8, range(4, 5), suite=SINGLE)
    text = RENDERERS["html"](compare(runs))
    assert "harness run reviews\nharness run --task rotten_tomatoes --model bert-mini --seed 4\nharness report" in text


def test_html_links_lead_somewhere(comparison: Comparison):
    page = Page(RENDERERS["html"](comparison))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 0
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_html_tells_a_screen_reader_what_charts_and_tables_are(comparison: Comparison):
    page = Page(RENDERERS["html"](comparison))
    charts = [chart for chart in page.all("svg") if chart.get("class") == "chart"]
    assert charts
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert all(heading.get("scope") in ("col", "row") for heading in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table")) > 0
    assert page.all("html") == [{"lang": "en"}]


def test_a_model_has_one_colour_in_all_charts(comparison: Comparison):
    text = RENDERERS["html"](comparison)
    assert set(re.findall(r'<svg class="key (\w+)"[^>]*><path[^>]*/></svg>bert-mini<', text)) == {"c0"}
    assert set(re.findall(r'<(?:g|svg) class="[\w ]*?(\w+)"[^>]*><title>bert-mini:', text)) == {"c0"}


@pytest.mark.slow
def test_a_terminal_that_is_too_narrow_for_a_table_shows_each_number_whole(runs: Path):
    wide, narrow = terminal(compare(runs)), terminal(compare(runs), width=40)
    numbers = re.compile(r"\([\d.]+–[\d.]+\)")
    assert {*numbers.findall(wide)} <= {*numbers.findall(" ".join(narrow.split()))}
    assert max(map(len, narrow.splitlines())) <= 40


def columns(line: str, separator: str) -> int:
    return len(re.findall(rf"(?<!\\){re.escape(separator)}", line))


def test_markdown_tables_have_as_many_fields_in_every_row(hostile: Comparison):
    lines = RENDERERS["markdown"](hostile).splitlines()
    tables = [block for block in "\n".join(lines).split("\n\n") if block.startswith("|")]
    assert len(tables) >= 4
    assert all(len({columns(line, "|") for line in table.splitlines()}) == 1 for table in tables)


def test_markdown_makes_markup_in_names_literal(hostile: Comparison):
    text = RENDERERS["markdown"](hostile)
    assert "<script>" not in text
    assert "<img" not in text.replace("\\<img", "")
    assert "a\\_b&amp;\\<script\\>" in text


def test_csv_has_a_row_a_cell_in_full_precision(comparison: Comparison):
    rows = list(csv.DictReader(io.StringIO(RENDERERS["csv"](comparison))))
    cells = [cell for task in comparison.tasks for cell in task.cells]
    assert [row["model"] for row in rows] == [cell.model for cell in cells]
    assert [float(row["mean"]) if row["mean"] else None for row in rows] == [
        cell.estimate.value if cell.estimate else None for cell in cells
    ]
    assert {row["status"] for row in rows} == {"complete", "partial", "no score", "not run"}


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", " =1", "\n=1", "＝1"])
def test_csv_puts_an_apostrophe_before_a_name_that_begins_a_formula(tmp_path: Path, name: str):
    save(tmp_path, record(model="bert-mini", status="failed", family=name), None)
    (row,) = csv.DictReader(io.StringIO(RENDERERS["csv"](compare(tmp_path)), newline=""))
    assert row["family"] == f"'{name}"


def test_csv_holds_no_formula(hostile: Comparison):
    fields = [field for row in csv.reader(io.StringIO(RENDERERS["csv"](hostile))) for field in row]
    assert "'=HYPERLINK(1)" in fields
    assert not [field for field in fields if field.startswith(("=", "@"))]


def test_the_terminal_takes_no_markup_from_names(hostile: Comparison):
    assert "(javascript:y)[bold]" in terminal(hostile)


def test_the_terminal_fits_a_narrow_window(comparison: Comparison):
    assert max(map(len, terminal(comparison, width=80).splitlines())) <= 80


def test_columns_move_together_before_a_heading_is_broken():
    headings = ("Model", "Parameters", "Throughput", "Memory")
    table = Table("cost", headings, ((Entry("a-model"), Entry("5 M"), Entry("1 k"), Entry("2 GB")),))
    heads = []
    for width in (50, 44, 38, 34):
        print_table(table, Console(width=width, file=(sink := io.StringIO())))
        heads.append("".join(re.findall("^ +[A-Z].*|^ +[a-z]+ *$", sink.getvalue(), re.MULTILINE)))
    assert [head.split() for head in heads[:3]] == [list(headings)] * 3
    assert "…" not in heads[3]


def test_a_table_whose_headings_do_not_fit_comes_in_parts_that_break_no_word():
    headings = ("Model", "Parameters", "Trained parameters", "Training time", "On the clock", "Training tokens/s",
                "Peak memory", "Training FLOPs")  # fmt: skip
    fields = ("xl-mini-with-long-name", "22.7 M", "11 M", "25 min", "13 min", "12.3 k", "1.9 GB", "31 T")
    table = Table("cost of one run", headings, (tuple(map(Entry, fields)),))
    for width, parts in ((120, 1), (80, 2), (60, 3)):
        print_table(table, Console(width=width, file=(sink := io.StringIO())))
        shown = sink.getvalue()
        words = Counter(shown.split())
        assert max(map(len, shown.splitlines())) <= width
        assert words["Model"] == words["xl-mini-with-long-name"] == parts
        assert words["continued"] == parts - 1
        assert words >= Counter(" ".join([*headings, *fields]).split())


@pytest.mark.parametrize("key", ["local", "own"], ids=["as recorded today", "as recorded by schema 1"])
def test_html_says_how_to_run_own_files_again(tmp_path: Path, key: str):
    from harness.folders import SINGLE

    config = {key: {"train": "my reviews.csv", "task_type": "classification", "label": None, "text": ["title", "body"]}}
    add_runs(tmp_path, "bert-mini", 0.8, range(1), suite=SINGLE, task="my-reviews-1a2b3c4d", config=config)
    text = RENDERERS["html"](compare(tmp_path))
    files = "--train &#39;my reviews.csv&#39; --task-type classification --text title --text body"
    wanted = f"harness run {files} --model bert-mini --seed 0\n"
    assert wanted in text


def test_a_template_is_compiled_once_and_read_anew_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    template = tmp_path / "of_a_test.md.j2"
    template.write_text("first {{ comparison | e }}")
    assert rendered(template, "<x>", escape=str.upper) == "first <X>"
    assert rendered(template, "<x>") == "first &lt;x&gt;"  # of another escape another environment
    with monkeypatch.context() as patched:
        patched.setattr(Environment, "compile", None)
        assert rendered(template, "<y>", escape=str.upper) == "first <Y>"
    template.write_text("second")
    os.utime(template, (1, 1))
    assert rendered(template, "<x>", escape=str.upper) == "second"
