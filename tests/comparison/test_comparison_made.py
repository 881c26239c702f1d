"""What a comparison takes from a suite and from records that disagree, of runs without predictions, or made by hand."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_runs import model_runs, rescored, run
from synthetic_runs import card, record, save

from harness.checksums import with_digest
from harness.comparison import comparison
from harness.comparison.comparison import compare, compare_records
from harness.config.margin import Margins
from harness.record import Provenance
from harness.suites.suite_file import SUITE_FILE


def begun(tmp_path: Path, *command: str, suite: str = "reviews") -> Path:
    """A folder with the failed runs of two models, which this command made."""
    for model in ("bert-mini", "scratch"):
        save(tmp_path, record(model=model, suite=suite, status="failed", provenance=Provenance(command=command)), None)
    return tmp_path / suite


def state(folder: Path, **changes) -> None:
    content = {"suite": folder.name, "description": "Which one?", "baseline": "bert-mini", "margin": 1.0, **changes}
    (folder / SUITE_FILE).write_text(json.dumps(with_digest(content)))


def test_what_a_suite_states_is_taken_unless_it_is_said_otherwise(tmp_path: Path):
    folder = begun(tmp_path)
    state(folder)
    found = compare(folder)
    assert (found.baseline, found.margins, found.description) == ("bert-mini", Margins(points=1.0), "Which one?")
    asked = Margins(points=2.0)
    found = compare(folder, baseline="scratch", margins=asked, description="This one?")
    assert (found.baseline, found.margins, found.description) == ("scratch", asked, "This one?")
    assert found.problems == ()


def test_a_suites_baseline_of_which_no_run_can_be_read_is_told_and_scratch_taken(tmp_path: Path):
    folder = begun(tmp_path)
    state(folder, baseline="gone", margin=None)
    found = compare(folder)
    assert found.problems == ("baseline 'gone': the suite's own, but none of its runs can be read.",)
    assert (found.baseline, found.margins) == ("scratch", None)


@pytest.mark.parametrize(
    ("command", "is_lost"),
    [
        (("run", "suite.toml"), True),
        (("choose", "data.csv"), True),
        (("run", "--model", "majority"), False),
        (("tune", "suite.toml"), False),
        ((), False),
    ],
)
def test_a_suite_whose_file_is_gone_is_told_of_runs_that_it_made(tmp_path: Path, command: tuple, is_lost: bool):
    folder = begun(tmp_path, *command)
    assert [line.partition(": is missing")[0] for line in compare(folder).problems] == (
        [str(folder / SUITE_FILE)] if is_lost else []
    )
    assert compare(tmp_path).problems == ()  # Other suites' runs may lie there.
    state(folder)
    assert compare(folder).problems == ()


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([True, True, False, False, False], False),
        ([False, True, True], True),
        ([True, False], True),
        ([False, True], False),
    ],
)
def test_an_unknown_metric_points_where_most_records_say_and_of_as_many_where_the_first_does(said, expected):
    def direction(*found):
        records = [record(seed=seed, status="failed", task_card=one) for seed, one in enumerate(found)]
        (task,) = compare_records([(Path("runs"), one) for one in records], where="runs").tasks
        return task.card.higher_is_better

    assert direction(*(card("own_metric", higher_is_better=one) for one in said)) == expected
    others = [card("another", higher_is_better=not said[0])] * 3
    assert direction(card("own_metric", higher_is_better=said[0]), *others) == said[0]
    assert direction(*(card("accuracy", higher_is_better=False) for _ in said))


def doubts(by_model, monkeypatch):
    """What makes the order of these models doubtful."""
    made = {one.model: one for one in by_model}
    monkeypatch.setattr(comparison, "model_runs", lambda known, *_: made[known.model])
    found = [(Path("runs/reviews/t/m/seed-0"), run.record) for one in by_model for run in one.runs]
    (task,) = compare_records(found, where="runs").tasks
    return task.doubts_of_order


def test_an_order_is_doubtful_where_models_were_tested_otherwise_or_a_record_has_the_direction_wrong(monkeypatch):
    a, b = model_runs("a", rescored(0.9)), model_runs("b", rescored(0.8))
    failed = model_runs("c", runs=(run("c", 0, None, status="failed"),))
    assert doubts([a, b, failed], monkeypatch) == ()
    elsewhere = model_runs("d", rescored(0.8, test_set="other"))
    assert doubts([a, elsewhere], monkeypatch) == ("not all models were tested on the same examples",)
    flipped = replace(b, runs=(run("b", 0, 0.8, task_card=card(higher_is_better=False)),))
    assert doubts([a, flipped], monkeypatch) == ("the records disagree on which way the metric points",)


@pytest.mark.parametrize(
    ("clean", "is_told"), [((0.9, 0.8, 0.7), False), ((0.9, 0.7, 0.8), False), ((0.7, 0.8, 0.6), True)]
)
def test_an_order_hangs_on_repeated_examples_where_another_model_is_the_best_without_them(clean, is_told, monkeypatch):
    by_model = [
        model_runs(model, rescored(every, clean=rescored(without, test_set="clean", examples=3)))
        for model, every, without in zip("abc", (0.9, 0.8, 0.7), clean, strict=True)
    ]
    told = "another model is the best without the test examples that repeat training ones"
    assert doubts(by_model, monkeypatch) == ((told,) if is_told else ())
