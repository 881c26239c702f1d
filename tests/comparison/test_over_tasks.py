"""What is said over all tasks: counts, adjusted for the number of tasks, that say no more than the tasks' sections."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console
from scipy.stats import binom
from synthetic_runs import add_runs

import harness
from harness.comparison.comparison import compare
from harness.comparison.conclusions import reading
from harness.comparison.conclusions_over_tasks import verdict_over_tasks
from harness.comparison.counts import Count, ModelOverTasks, OverTasks
from harness.comparison.multiplicity import family_error
from harness.comparison.over_tasks import at_least, critical_difference, may_be_wrong, mean_ranks, over_tasks
from harness.comparison.wording import listed
from harness.registry import FORMATS
from harness.reporting.charts.mean_ranks import groups
from harness.reporting.tables import over_tasks as table_over_tasks
from harness.reporting.terminal import show

SHARES = {"bert-mini": 0.85, "roberta-mini": 0.84, "xlnet-mini": 0.76}


def add_tasks(folder, count, shares=SHARES, **changes):
    """Models that are about as good on every task; scratch comes nearer to the last one from task to task."""
    for task in range(count):
        for model, share in shares.items():
            add_runs(folder, model, share, task=f"task-{task}", **changes)
        add_runs(folder, "scratch", 0.60 + 0.03 * (task % 5), task=f"task-{task}", family="scratch", **changes)


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """A comparison of four models on eight tasks."""
    folder = tmp_path_factory.mktemp("eight")
    add_tasks(folder, 8, examples=200)
    return compare(folder)


def of(comparison, model) -> ModelOverTasks:
    (found,) = [one for one in comparison.over_tasks.models if one.model == model]
    return found


def test_a_count_is_too_large_in_one_report_of_twenty_at_most():
    """By all numbers of tasks on which something is so, with every false finding at 5 %, independent of the others."""
    shown = set()
    for tasks in range(2, 13):
        for so in range(tasks):
            chances = binom.pmf(np.arange(tasks - so + 1), tasks - so, 0.05)
            found = [at_least(so + false, tasks) for false in range(tasks - so + 1)]
            shown |= {(tasks, one) for one in found}
            assert sum(chance for chance, one in zip(chances, found, strict=True) if one > so) <= 0.05 + 1e-12
            assert found == sorted(found)
    assert (12, 12) in shown


def test_a_count_is_the_partial_conjunction_of_wilkinsons_test():
    """By hand: two of three are 0.00725 by chance, one of two 0.0975; three of eight 0.0058, two of seven 0.0444."""
    assert [at_least(count, 3) for count in range(4)] == [0, 0, 1, 3]
    assert [at_least(count, 8) for count in range(9)] == [0, 0, 0, 2, 3, 4, 5, 6, 8]


def test_as_many_sections_as_may_be_wrong_are_taken_off():
    for tasks in range(1, 30):
        assert binom.sf(may_be_wrong(tasks), tasks, 0.05) <= 0.05 + 1e-12
        assert may_be_wrong(tasks) == 0 or binom.sf(may_be_wrong(tasks) - 1, tasks, 0.05) > 0.05


def test_a_tasks_family_is_at_least_as_strict_as_bonferroni_over_the_models():
    """So what is counted against the baseline for each model by itself holds for all models together."""
    for models in (2, 3, 6, 20, 60):
        for p in np.geomspace(1e-10, 0.02, 30).tolist():
            if (adjusted := family_error(p, 2, models)) < 0.05:
                assert adjusted >= (models - 1) * p


@pytest.mark.parametrize(("models", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (6, 2.850), (10, 3.164)])
def test_the_critical_difference_is_demsars(models, quantile):
    """Source: Demšar 2006, table 5 (a)."""
    expected = quantile * np.sqrt(models * (models + 1) / (6 * 12))
    assert critical_difference(models, 12, 0.05) == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
def test_no_count_says_more_than_the_tasks_own_sections(eight):
    less = 0
    for one in eight.over_tasks.models:
        cells = {task.task: next(cell for cell in task.cells if cell.model == one.model) for task in eight.tasks}
        own = {
            word: tuple(name for name, cell in cells.items() if reading(cell) == word) for word in ("better", "worse")
        }
        assert (one.better.shown, one.worse.shown) == (own["better"], own["worse"])
        assert one.not_best.shown == tuple(name for name, cell in cells.items() if not cell.is_top)
        for other, count in one.ahead.items():
            beaten = [task.task for task in eight.tasks for cell in task.cells
                      if cell.model == other and one.model in cell.beaten_by]  # fmt: skip
            assert list(count.shown) == beaten
        counts = [one.better, one.worse, one.best, one.not_best, *one.ahead.values()]
        assert all(count.least <= len(count.shown) for count in counts)
        less += sum(count.least < len(count.shown) for count in counts)
    assert less > 0


@pytest.mark.slow
def test_the_counts_are_told_with_the_tasks_that_they_are_of(eight):
    bert, scratch, xlnet = (of(eight, model) for model in ("bert-mini", "scratch", "xlnet-mini"))
    assert (bert.better.least, bert.may_be_best, len(bert.compared)) == (8, 8, 8)
    assert scratch.better == scratch.worse == Count()
    assert 0 < xlnet.better.least < len(xlnet.better.shown) < 8
    said = verdict_over_tasks(eight)
    assert said[0] == "bert-mini and roberta-mini may be the best on each of the 8 tasks."
    assert said[1] == "scratch and xlnet-mini are shown not to be the best on at least 6 of 8 tasks."
    others = [task for task in ("task-0", "task-1", "task-2", "task-3", "task-4", "task-5", "task-6", "task-7")
              if task not in xlnet.better.shown]  # fmt: skip
    assert said[2] == (
        "bert-mini and roberta-mini are shown to be better than scratch on at least 8 of 8 tasks; xlnet-mini on "
        f"{xlnet.better.least} of 8 tasks (individually on all but {listed(others)})."
    )


def told_better(eight, *models):
    """The sentence about who is better than the baseline."""
    lines = verdict_over_tasks(replace(eight, over_tasks=OverTasks(names=tuple("abcd"), models=models)))
    (line,) = (line for line in lines if "etter than" in line)
    return line


@pytest.mark.slow
def test_the_shorter_list_of_tasks_is_named(eight):
    names = tuple("abcd")
    three = ModelOverTasks(model="three", compared=names, better=Count(("a", "b", "d"), 3))
    two = ModelOverTasks(model="two", compared=names, better=Count(("a", "b"), 1))
    scratch = ModelOverTasks(model="scratch", compared=names)
    first, second = told_better(eight, three, two, scratch).split("; ")
    assert first == "three is shown to be better than scratch on at least 3 of 4 tasks (all but c)"
    assert second == "two on 1 of 4 tasks (individually on a and b)."


@pytest.mark.slow
def test_what_is_shown_on_too_few_tasks_may_be_chance(eight):
    names = tuple("abcd")
    scratch = ModelOverTasks(model="scratch", compared=names)
    one = ModelOverTasks(model="one", compared=names, better=Count(("a",), 0))
    assert told_better(eight, one, scratch) == (
        "Better than scratch on so few of the 4 tasks that it may be chance among so many: one (a)."
    )
    none = ModelOverTasks(model="none", compared=names)
    assert told_better(eight, none, scratch) == "No model is shown to be better than scratch on any of the 4 tasks."


@pytest.mark.slow
def test_a_model_alone_at_the_top_is_the_best_and_an_untested_rival_takes_that_away(tmp_path):
    add_tasks(tmp_path, 3, {"bert-mini": 0.95})
    add_runs(tmp_path, "tfidf", 0.6, range(1), task="task-0", family="tfidf")
    add_runs(tmp_path, "majority", 0.5, range(1), task="task-0", family="majority")
    found = compare(tmp_path)
    assert of(found, "bert-mini").best == Count(("task-0", "task-1", "task-2"), 2)
    assert "bert-mini is shown to be the best on at least 2 of 3 tasks." in verdict_over_tasks(found)
    for task, seeds in (("task-0", range(3)), ("task-1", range(3)), ("task-2", range(1))):
        add_runs(tmp_path, "roberta-mini", 0.6, seeds, task=task)
    assert of(compare(tmp_path), "bert-mini").best == Count(("task-0", "task-1"), 1)


@pytest.mark.slow
def test_models_are_told_against_each_other_where_they_are_few(eight):
    least = of(eight, "bert-mini").ahead["xlnet-mini"].least
    assert least > 0
    assert any(
        f"bert-mini is ahead of xlnet-mini on at least {least} of 8" in line for line in verdict_over_tasks(eight)
    )


@pytest.mark.slow
def test_tasks_whose_own_conclusions_are_doubtful_are_named(eight):
    assert not any("doubtful" in line for line in verdict_over_tasks(eight))
    few_groups = replace(eight.tasks[1], doubts_of_claims=("only 3 groups of test examples",))
    collapsed = replace(eight.tasks[2].cells[0], doubts=("1 of 3 collapsed",))
    other_runs = replace(eight.tasks[2], cells=(collapsed, *eight.tasks[2].cells[1:]))
    tasks = (eight.tasks[0], few_groups, other_runs, *eight.tasks[3:])
    said = verdict_over_tasks(replace(eight, tasks=tasks))
    assert said[-1] == "What is said about task-1 and task-2 is doubtful, for the reasons given there."


@pytest.mark.slow
def test_a_single_task_and_single_seeds_say_nothing_over_tasks(tmp_path):
    add_tasks(tmp_path / "one", 1)
    add_tasks(tmp_path / "seeds", 2, seeds=range(1))
    for name in ("one", "seeds"):
        comparison = compare(tmp_path / name)
        assert (comparison.over_tasks, verdict_over_tasks(comparison), table_over_tasks(comparison)) == (None, (), None)


@pytest.mark.slow
def test_a_task_that_is_there_twice_counts_once_and_where_both_say_so(eight):
    xlnet, bert = eight.models.index("xlnet-mini"), eight.models.index("bert-mini")
    shown = of(eight, "xlnet-mini").better.shown
    one, other = (next(task for task in eight.tasks if (task.task in shown) == is_shown) for is_shown in (True, False))
    again = [one, other, replace(other, task=one.task), one]
    found = over_tasks(again, eight.models)
    assert found.names == (one.task, other.task)
    assert (found.models[xlnet].better.shown, found.models[bert].better.least) == ((), 2)
    assert mean_ranks([*eight.tasks, again[-1]], eight.models) is None


def test_the_same_task_in_two_suites_is_one_task(tmp_path):
    for suite in ("short", "long"):
        add_runs(tmp_path, "bert-mini", 0.95, suite=suite)
        add_runs(tmp_path, "scratch", 0.6, suite=suite)
    assert compare(tmp_path).over_tasks is None


@pytest.mark.slow
def test_mean_ranks_are_of_eight_tasks_and_of_models_that_were_compared_on_all(eight):
    ranks = {model: [] for model in eight.models}
    for task in eight.tasks:
        for rank, cell in enumerate(task.ranked, 1):
            ranks[cell.model].append(rank)  # no two scores of a task are equal here
    found = eight.over_tasks.ranks
    assert found.by_model == pytest.approx({model: np.mean(each) for model, each in ranks.items()})
    assert list(found.by_model.values()) == sorted(found.by_model.values())
    assert mean_ranks(eight.tasks[:7], eight.models) is None
    gap = replace(eight.tasks[0].cells[0], is_compared=False)
    tasks = [replace(eight.tasks[0], cells=(gap, *eight.tasks[0].cells[1:])), *eight.tasks[1:]]
    assert set(mean_ranks(tasks, eight.models).by_model) == set(eight.models) - {gap.model}


@pytest.mark.slow
def test_a_bar_joins_as_many_ranks_as_are_not_told_apart(eight):
    ranks = replace(eight.over_tasks.ranks, by_model={"a": 1.0, "b": 1.5, "c": 2.4, "d": 4.0}, critical_difference=1.0)
    assert groups(ranks) == [(1.0, 1.5), (1.5, 2.4)]
    assert groups(replace(ranks, by_model={"a": 1.5, "b": 1.5, "c": 3.0})) == [(1.5, 1.5)]


@pytest.mark.slow
def test_every_format_shows_them(eight):
    console = Console(width=300, file=io.StringIO(), color_system=None)
    show(eight, console)
    texts = {name: FORMATS.load(name)(eight) for name in ("html", "markdown", "latex")}
    texts["latex"] = texts["latex"].replace(r"\\", " ")  # It breaks the lines of its heads by these.
    pages = (*texts.values(), harness.Comparison(eight)._repr_html_())
    for text in (*pages, console.file.getvalue()):
        assert "Over all tasks" in text
        assert "are shown to be better than scratch on at least 8 of 8 tasks" in text
        assert "Shown to be" in text  # In a terminal a heading takes several lines.
    assert all("Shown to be the best, at least" in text for text in pages)
    assert "critical difference" in texts["html"]
    rows = list(csv.DictReader(io.StringIO(FORMATS.load("csv")(eight))))
    assert {row["tasks_better_than_baseline_at_least"] for row in rows if row["model"] == "bert-mini"} == {"8"}
    assert {row["tasks_may_be_best_at_most"] for row in rows if row["model"] == "xlnet-mini"} == {"2"}


@pytest.mark.slow
def test_the_python_rows_are_the_same_counts(eight):
    rows = {row["model"]: row for row in harness.Comparison(eight).rows("over_tasks")}
    assert rows["xlnet-mini"]["better"] == of(eight, "xlnet-mini").better.least
    assert (rows["bert-mini"]["tasks"], rows["bert-mini"]["compared"], rows["bert-mini"]["may_be_best"]) == (8, 8, 8)
    assert rows["bert-mini"]["mean_rank"] == pytest.approx(eight.over_tasks.ranks.by_model["bert-mini"])
