"""Metrics of the `evaluate` library are code of somebody's: reports show their recorded scores, and run nothing."""

from pathlib import Path

import pytest
from synthetic_runs import LABELS, card, predictions, record, save

from harness.comparison.comparison import compare
from harness.comparison.conclusions import reading, verdict
from harness.metrics.lookup import unit_of
from harness.registry import FORMATS
from harness.reporting.tables import details, footnotes

EVIL = """
from pathlib import Path
Path({trace!r}).touch()
import evaluate
class Evil(evaluate.Metric): ...
"""


@pytest.fixture
def scripted(tmp_path: Path) -> tuple[Path, str, Path]:
    """Runs whose main metric is a script, the metric, and the file that the script would leave behind."""
    trace, script = tmp_path / "trace", tmp_path / "evil.py"
    script.write_text(EVIL.format(trace=str(trace)))
    metric = f"evaluate:{script}:lower"
    task_card = card(metric, higher_is_better=False)
    for model, scores in (("bert-mini", (0.1, 0.2, 0.3)), ("scratch", (0.5, 0.6, 0.7)), ("xlnet-mini", (0.4,))):
        for seed, score in enumerate(scores):
            run = record(model=model, seed=seed, task_card=task_card, scores={"test": {metric: score}})
            save(tmp_path / "runs", run, predictions(list(LABELS), list(LABELS)))
    return tmp_path / "runs", metric, trace


def test_a_strangers_metric_is_never_run_and_its_recorded_score_is_shown(scripted: tuple[Path, str, Path]):
    runs, metric, trace = scripted
    comparison = compare(runs)
    assert [FORMATS.load(name)(comparison) for name in FORMATS.names()]
    assert not trace.exists()
    assert not comparison.warnings
    assert [cell.model for cell in comparison.tasks[0].ranked] == ["bert-mini", "xlnet-mini", "scratch"]
    estimate = comparison.tasks[0].ranked[0].estimate
    assert estimate is not None
    assert estimate.value == pytest.approx(0.2)
    # Student's t at 2 degrees of freedom is 4.303, the deviation of 0.1, 0.2, 0.3 is 0.1: the tables' 95 % interval.
    assert estimate.high - estimate.value == pytest.approx(4.303 * 0.1 / 3**0.5, rel=1e-3)
    assert unit_of(metric).interval(estimate) == "−0.048 to 0.448"


def test_recorded_scores_alone_show_no_model_to_be_better(scripted: tuple[Path, str, Path]):
    (task,) = compare(scripted[0]).tasks
    assert not [cell.model for cell in task.cells if cell.is_top or cell.beaten_by]
    found = {cell.model: cell.from_baseline for cell in task.cells if cell.from_baseline is not None}
    assert {(one.estimate.value < 0, one.adjusted_p) for one in found.values() if one.estimate} == {(True, None)}
    assert {reading(cell) for cell in task.cells} == {"", "not tested: recorded scores only"}
    rows = {row[0].text: row[2].text for row in details(task).rows}
    assert rows["bert-mini"].endswith("(seeds only)")
    assert rows["xlnet-mini"] == "–"
    assert "So no model is shown to be better than another." in verdict(task)
    assert any("“Seeds only”" in note for note in footnotes(compare(scripted[0])))
    assert not any("Examples only" in note for note in footnotes(compare(scripted[0])))


@pytest.mark.parametrize("scores", [{}, {"test": {"evaluate:x": float("nan")}}])
def test_a_strangers_metric_without_a_recorded_score_leaves_the_run_without_one(tmp_path: Path, scores: dict):
    run = record(task_card=card("evaluate:x"), scores=scores)
    save(tmp_path, run, predictions(list(LABELS), list(LABELS)))
    (trouble,) = [run.trouble for run in compare(tmp_path).tasks[0].cells[0].troubled]
    assert "no test score of evaluate:x" in trouble
