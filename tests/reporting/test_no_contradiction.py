"""Random record sets in every format: each sentence, bold entry and chart agrees with the one family of comparisons."""

import csv
import html
import io
import re
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from rich.console import Console
from synthetic_runs import LABELS, card, predictions, record, save
from verdict_claims import NAMES, claims_of

from harness.comparison.comparison import compare
from harness.comparison.conclusions import beside_tables, reading, verdict
from harness.comparison.recommendation import recommended
from harness.comparison.results import Cell, Comparison, TaskComparison
from harness.registry import FORMATS
from harness.reporting.terminal import show

SIMPLE = ("majority", "tfidf")
# The same sets each time; a failing one is shown as it is, for making it smaller takes minutes.
RANDOM = settings(
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@st.composite
def models(draw, name: str) -> dict:
    """A model: how good, how shaky, which seeds, and what became of them."""
    is_simple = draw(st.booleans()) and draw(st.booleans())
    seeds = 1 if is_simple else draw(st.sampled_from([3, 3, 5, 2, 1]))
    ends = st.sampled_from(["complete"] * 14 + ["diverged", "failed"])
    return {
        "model": name,
        "family": draw(st.sampled_from(SIMPLE)) if is_simple else "bert",
        "ends": [draw(ends) for _ in range(seeds)],
        "skill": draw(st.sampled_from([1.0, 1.1, 0.0, 2.0, -1.0, -3.0, 9.0])),
        "luck": draw(st.sampled_from([0.0, 0.0, 0.3, 1.5])),
        "other_examples": draw(st.integers(0, 14)) == 14,
    }


@st.composite
def record_sets(draw) -> dict:
    names = draw(st.permutations(NAMES))[: draw(st.sampled_from([4, 6, 3, 2, 1]))]
    return {
        "models": [draw(models(name)) for name in names],
        "examples": draw(st.sampled_from([80, 200, 12, 2])),
        "grouped": draw(st.booleans()),
        "metric": draw(st.sampled_from(["accuracy", "macro_f1", "mean_squared_error"])),
        "baseline": draw(st.sampled_from([None, *names])),
        "draws": draw(st.integers(0, 2**32 - 1)),
    }


def written(runs: Path, drawn: dict) -> None:
    """The records and predictions of a drawn set."""
    rng = np.random.default_rng(drawn["draws"])
    count, is_number = drawn["examples"], drawn["metric"] == "mean_squared_error"
    ease = rng.normal(size=count)
    groups = [f"group-{number // 4}" for number in range(count)] if drawn["grouped"] else None
    task_card = card(drawn["metric"], "regression" if is_number else "classification", higher_is_better=not is_number)
    for model in drawn["models"]:
        own = model["skill"] + ease + 0.3 * rng.normal(size=count)
        for seed, end in enumerate(model["ends"]):
            made = record(model=model["model"], family=model["family"], seed=seed, status=end, task_card=task_card)
            quality = own + model["luck"] * rng.normal() + 0.3 * rng.normal(size=count)
            rows = None if end != "complete" else answers(quality, groups, is_number, shifted=model["other_examples"])
            save(runs, made, rows)


def answers(quality: np.ndarray, groups: list[str] | None, is_number: bool, *, shifted: bool) -> list[dict]:
    """Rows of predictions, better where quality is higher."""
    if is_number:
        references = [float(number + shifted) for number in range(len(quality))]
        return predictions(
            references, [one + float(np.exp(-q)) for one, q in zip(references, quality, strict=True)], groups
        )
    references = [LABELS[(number + shifted) % 2] for number in range(len(quality))]
    wrong = [one if q > 0 else LABELS[one == LABELS[0]] for one, q in zip(references, quality, strict=True)]
    return predictions(references, wrong, groups)


def check(drawn: dict) -> None:
    with tempfile.TemporaryDirectory() as folder:
        written(Path(folder) / "runs", drawn)
        comparison = compare(Path(folder) / "runs", baseline=drawn["baseline"])
    (task,) = comparison.tasks
    check_numbers(task)
    check_sentences(task)
    check_formats(comparison, task)


def check_numbers(task: TaskComparison) -> None:
    """The family itself: nobody is ahead of a model with a better score, and some model may be the best."""
    place = {cell.model: number for number, cell in enumerate(task.ranked)}
    sign = 1 if task.card.higher_is_better else -1
    values = [sign * cell.estimate.value for cell in task.ranked]
    assert values == sorted(values, reverse=True)
    by_name = {cell.model: cell for cell in task.cells}
    for cell in task.cells:
        assert all(place[winner] < place[cell.model] for winner in cell.beaten_by)
        assert all(cell.model not in by_name[winner].beaten_by for winner in cell.beaten_by)
        assert not cell.beaten_by or cell.is_compared
    compared = [cell for cell in task.cells if cell.is_compared]
    assert not compared or any(cell.is_top for cell in compared)
    for cell in task.cells:
        for found in (cell.from_baseline, cell.from_simple_baseline):
            if found is not None and found.is_significant:
                winner, loser = (cell.model, found.against) if found.gain > 0 else (found.against, cell.model)
                assert winner in by_name[loser].beaten_by


def check_sentences(task: TaskComparison) -> None:
    """Every claim in words is one of the family's, and none contradicts another."""
    by_name = {cell.model: cell for cell in task.cells}
    said = claims_of(verdict(task), by_name)
    assert not said.unknown
    assert set(beside_tables(task)) <= set(verdict(task))
    if task.ranked:
        assert said.first == task.ranked[0].model
    for winner, loser in said.ahead:
        assert winner in by_name[loser].beaten_by
        assert (loser, winner) not in said.ahead
        assert not {(winner, loser), (loser, winner)} & said.undecided
        assert loser not in said.maybe
        assert (winner, loser) not in said.not_ahead
    behind = {loser for _, loser in said.ahead}
    if len(task.ranked) > 1:
        assert behind == {cell.model for cell in task.cells if cell.beaten_by}
    if len(task.ranked) > 1 and task.ranked[0].is_compared:
        assert said.maybe == {cell.model for cell in task.ranked[1:] if cell.is_top}
    assert all(by_name[name].is_top for name in said.maybe)
    words = {cell.model: reading(cell) for cell in task.cells}
    for name, against in said.undecided:
        assert words[name] == "no difference found"
        assert against not in by_name[name].beaten_by
        assert name not in by_name[against].beaten_by


def check_formats(comparison: Comparison, task: TaskComparison) -> None:
    """A paper says all, a page what its tables don't; those that may be the best are bold, the best score first."""
    top = {cell.model for cell in task.cells if cell.is_top}
    order = [cell.model for cell in task.ranked] + [cell.model for cell in task.cells if cell.estimate is None]
    sentences = plain(" ".join(verdict(task)))
    page, text, paper = (FORMATS.load(name)(comparison) for name in ("html", "markdown", "latex"))
    beside = plain(" ".join([*recommended(task).reasons, *beside_tables(task)]))
    assert beside in plain(html.unescape(re.sub("<[^>]*>", "", page)))
    assert sentences in plain(text)
    assert sentences in plain(paper)
    assert details_of_page(page) == (order, top)
    assert details_of_text(text, r"\| (\*\*)?(\w+)") == (order, top)
    assert details_of_text(paper, r"\s*({\\bfseries )?(\w+)", start="caption{What are the scores of?}") == (order, top)
    assert chart_of(page) == ([cell.model for cell in task.ranked], top)
    shown = terminal(comparison)
    assert beside in plain(re.sub("\x1b[^m]*m", "", shown))
    assert {name for name in order if re.search(rf"\x1b\[1;32m{name}\b", shown)} == top
    rows = list(csv.DictReader(io.StringIO(FORMATS.load("csv")(comparison))))
    assert [row["model"] for row in rows] == [cell.model for cell in task.cells]
    assert {row["model"] for row in rows if row["is_top"] == "True"} == top
    check_csv(rows, {cell.model: cell for cell in task.cells})


def check_csv(rows: list[dict[str, str]], by_name: dict[str, Cell]) -> None:
    for row in rows:
        found = by_name[row["model"]].from_baseline
        adjusted = row["difference_from_baseline_adjusted_p"]
        if adjusted and float(adjusted) < 0.05:
            ahead = (float(row["difference_from_baseline"]) > 0) == (row["higher_is_better"] == "True")
            assert reading(by_name[row["model"]]) == ("better" if ahead else "worse")
        assert (adjusted == "") == (found is None or found.adjusted_p is None)


def plain(text: str) -> str:
    """Letters and digits alone, so that escapes, line breaks and signs of each format fall away."""
    text = re.sub(r"\\(pm|times|textless|textgreater|textasciitilde|uparrow|downarrow)\b", "", text)
    return re.sub(r"[^a-z0-9]", "", text.lower())


def details_of_page(page: str) -> tuple[list[str], set[str]]:
    """The models of the table of scores in their order, and those in bold."""
    (table,) = re.findall(r"<table>\n<caption>[^<]*: scores</caption>.*?</table>", page, flags=re.DOTALL)
    rows = re.findall(r'<th scope="row"(?: class="([^"]*)")?>(?:<svg.*?</svg>)?(\w+)', table)
    return [name for _, name in rows], {name for classes, name in rows if "strong" in classes.split()}


def details_of_text(text: str, row: str, start: str = ": scores\n") -> tuple[list[str], set[str]]:
    """The same of a table in a text whose rows begin as `row`, with the mark of bold and the name as its groups."""
    table = text[text.index(start) :]
    found = [match for line in table.splitlines()[1:40] if (match := re.match(row, line)) and match[2] in NAMES]
    names = [match[2] for match in found]
    count = next((place for place, name in enumerate(names) if name in names[:place]), len(names))
    return names[:count], {match[2] for match in found[:count] if match[1]}


def chart_of(page: str) -> tuple[list[str], set[str]]:
    """The models of the dot plot from top to bottom, and those that it marks."""
    (plot,) = re.findall(r'<table class="lead">.*?</table>', page, flags=re.DOTALL)
    rows = re.findall(r'<th scope="row"( class="strong")?><svg.*?</svg>(\w+).*?<td class="plot">(.*?)</td>', plot)
    drawn = [(name, marked) for marked, name, strip in rows if strip]
    return [name for name, _ in drawn], {name for name, marked in drawn if marked}


def terminal(comparison: Comparison) -> str:
    console = Console(width=5000, file=io.StringIO(), force_terminal=True, color_system="standard")
    show(comparison, console)
    return console.file.getvalue()


@pytest.mark.slow
@settings(RANDOM, max_examples=12)
@given(record_sets())
def test_no_format_contradicts_the_family_of_comparisons(drawn: dict):
    check(drawn)


@pytest.mark.slow
@settings(RANDOM, max_examples=150)
@given(record_sets())
def test_no_format_contradicts_the_family_of_comparisons_in_many_sets(drawn: dict):
    check(drawn)
