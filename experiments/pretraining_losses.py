"""How well the small checkpoints predicted held-out tokens during pretraining, by the number of tokens read.

    python -m experiments.pretraining_losses

draws docs/results/pretraining_losses.svg from the records of the checkpoints that come with the project.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from experiments.picture import BLUE, GREEN, RED, legend, picture
from harness.comparison.formatting import amount
from harness.pretraining.record import PretrainingRecord, read_pretraining
from harness.reporting.charts.canvas import Scale, add, around, horizontal_axis, markup, path, plain, vertical_axis

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
COLOURS = {"bert-mini": BLUE, "roberta-mini": GREEN, "xl-mini": RED}
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 600, 330, 46, 24, 250


def chart(records: dict[str, PretrainingRecord]) -> str:
    """Held-out nats per predicted token by tokens read, one line per recipe."""
    root = picture(HEIGHT, "Held-out nats per predicted token by the tokens of pretraining", width=WIDTH)
    points = {name: _points(record) for name, record in records.items()}
    x = Scale(0.0, max(tokens for line in points.values() for tokens, _ in line), LEFT, WIDTH - 20)
    y = Scale(*around([nats for line in points.values() for _, nats in line]), BOTTOM, TOP)
    labels = {value: amount(value) for value in x.ticks()}
    horizontal_axis(root, x, top=TOP, bottom=BOTTOM, title="tokens of pretraining", labels=labels)
    vertical_axis(root, y, left=LEFT, right=WIDTH - 20, labels=plain(y.ticks()))
    add(root, "text", "held-out nats per predicted token ↓", class_="axis", x=4, y=14)
    for name, line in points.items():
        _line(root, COLOURS[name], [(x(tokens), y(nats)) for tokens, nats in line])
    legend(root, COLOURS, left=LEFT, y=BOTTOM + 58)
    return str(markup(root))


def _points(record: PretrainingRecord) -> list[tuple[float, float]]:
    return [(record.tokens * point.step / record.steps, point.validation_loss) for point in record.curve]


def _line(root: Element, colour: str, places: list[tuple[float, float]]) -> None:
    add(root, "path", d=path(places), stroke=colour)
    for across, up in places:
        add(root, "circle", cx=across, cy=up, r=3, fill=colour)


def main() -> None:
    """Read the records, write the chart."""
    models = ROOT / "configs" / "models"
    records = {name: read_pretraining(models / name / "pretraining.json") for name in COLOURS}
    (RESULTS / "pretraining_losses.svg").write_text(chart(records) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
