"""Heat maps: shades for the weights between the words of two sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from unicodedata import east_asian_width
from xml.etree.ElementTree import Element

from markupsafe import Markup

from harness.printable import printable, truncated
from harness.reporting.charts.canvas import add, drawing, markup

SIDE, LETTER, GAP = 15, 6.7, 6
"""Side of a cell, width of a letter, and the gap between words and cells, in pixels."""
MOST_LETTERS = 16
SHADES = 10


def heat_map(
    rows: Sequence[str], columns: Sequence[str], weights: Sequence[Sequence[float]], *, description: str, class_: str
) -> Markup:
    """A shade for each weight, the strongest for the largest; weights below a twentieth of it are left blank.

    Its size is fixed, so that words can be read on any screen; a narrow one scrolls.

    Args:
        rows: The words on the left.
        columns: The words above.
        weights: The weights [rows, columns], not negative.
        description: What a screen reader announces.
        class_: The class of the colour.
    """
    rows, columns = ([truncated(printable(word), MOST_LETTERS) for word in words] for words in (rows, columns))
    left, top = (GAP + LETTER * max(map(_letters, words)) for words in (rows, columns))
    width, height = SIDE * len(columns), SIDE * len(rows)
    chart = drawing(top + height + 1, description, width=left + width + 1)
    chart.attrib |= {"class": f"heat-map {class_}".strip(), "width": f"{left + width + 1:g}"}
    add(chart, "rect", x=left, y=top, width=width, height=height)
    for shade, places in sorted(_by_shade(weights).items()):
        cells = "".join(
            f"M{left + SIDE * column:g},{top + SIDE * row:g}h{SIDE}v{SIDE}h-{SIDE}z" for row, column in places
        )
        add(chart, "path", d=cells, opacity=shade / SHADES)
    _add_words(chart, rows, columns, left=left, top=top)
    return markup(chart)


def _by_shade(weights: Sequence[Sequence[float]]) -> dict[int, list[tuple[int, int]]]:
    """Return the cells of each shade from 1 to `SHADES`, as pairs of row and column."""
    most = max((max(row) for row in weights), default=0.0) or 1.0
    found: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for row, values in enumerate(weights):
        for column, weight in enumerate(values):
            if shade := round(SHADES * weight / most):
                found[shade].append((row, column))
    return found


def _add_words(chart: Element, rows: Sequence[str], columns: Sequence[str], *, left: float, top: float) -> None:
    for place, word in enumerate(rows):
        add(chart, "text", word, x=left - GAP, y=top + SIDE * (place + 0.5) + 4, text_anchor="end")
    for place, word in enumerate(columns):
        turned = f"translate({left + SIDE * (place + 0.5) + 4:g} {top - GAP:g}) rotate(-90)"
        add(chart, "text", word, transform=turned)


def _letters(word: str) -> int:
    """Return the width of a word in letters; Chinese characters are as wide as two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in word)
