"""What a tenth, three tenths and all of pretraining are worth on each task of a suite, in one chart.

    harness run experiments/pretraining_curve.toml && python -m experiments.pretraining_scores

draws docs/results/pretraining_scores.svg from the suite's runs: the charts of its report, side by side.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from xml.etree.ElementTree import fromstring

from experiments.picture import BLUE, GREEN, RED, coloured, picture
from harness.comparison.comparison import compare
from harness.comparison.results import Comparison
from harness.reporting.charts.canvas import WIDTH, add, markup
from harness.reporting.charts.pretraining import pretraining_curves

RESULTS = Path(__file__).parent.parent / "docs" / "results"
COLOURS = {"bert-mini": BLUE, "roberta-mini": GREEN, "xl-mini": RED}
CLASSES = {model: f"c{place}" for place, model in enumerate(COLOURS)}
COLUMNS, TITLE = 2, 26
STYLE = coloured({CLASSES[model]: colour for model, colour in COLOURS.items()})


def chart(comparison: Comparison) -> str:
    """One panel per task that has a line."""
    classes = dict.fromkeys(comparison.models, "c11") | CLASSES
    panels = [(task.task, pretraining_curves(task, classes)) for task in comparison.tasks]
    drawn = [(task, fromstring(lines)) for task, lines in panels if lines]
    height = max((float(panel.get("viewBox", "0").split()[-1]) for _, panel in drawn), default=0) + TITLE
    rows = -(-len(drawn) // COLUMNS)
    root = picture(rows * height, "Scores of the tasks by the tokens of pretraining", width=COLUMNS * WIDTH)
    add(root, "style", STYLE)
    for place, (task, panel) in enumerate(drawn):
        row, column = divmod(place, COLUMNS)
        group = add(root, "g", transform=f"translate({column * WIDTH} {row * height + TITLE})")
        add(group, "text", task, class_="title", x=46, y=-8)
        group.extend(panel)
    return str(markup(root))


def main() -> None:
    """Read the runs, write the chart."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", nargs="?", type=Path, default=Path("runs/pretraining_curve"), help="the suite's runs")
    comparison = compare(parser.parse_args().runs)
    (RESULTS / "pretraining_scores.svg").write_text(chart(comparison) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
