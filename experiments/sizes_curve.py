"""Scores by the number of training examples, in one chart: that of a suite's report.

    harness run experiments/sizes_study.toml && python -m experiments.sizes_curve

draws docs/results/sizes_study.svg from the suite's runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from xml.etree.ElementTree import fromstring

import typer

from experiments.picture import BLUE, GREEN, GREY, RED, coloured, picture
from harness.comparison.comparison import compare
from harness.comparison.results import Curves
from harness.reporting.charts.canvas import add, markup
from harness.reporting.charts.sizes import size_curves

PICTURE = Path(__file__).parent.parent / "docs" / "results" / "sizes_study.svg"
CLASSES = {"minilm": "c0", "minilm-probe": "c1", "scratch": "c2", "tfidf": "baseline"}
COLOURS = dict(zip(CLASSES.values(), (BLUE, RED, GREEN, GREY), strict=True))


def chart(curves: Curves) -> str:
    """The chart on white, in colours of its own."""
    panel = fromstring(size_curves(curves, CLASSES))
    *_, width, height = map(float, panel.get("viewBox", "").split())
    root = picture(height, panel.get("aria-label", ""), width=width)
    add(root, "style", coloured(COLOURS))
    root.extend(panel)
    return str(markup(root))


def main(
    runs: Annotated[Path, typer.Argument(help="The suite's runs.")] = Path("runs/sizes_study"),
    output: Annotated[Path, typer.Option(help="The file.")] = PICTURE,
) -> None:
    """Read the runs, write the chart."""
    (curves,) = compare(runs).curves
    output.write_text(chart(curves) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
