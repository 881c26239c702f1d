"""Attention maps for a page: one per layer, from the token of a row to that of a column, darker for more."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from harness.printable import printable, truncated

if TYPE_CHECKING:  # It needs torch.
    from harness.runs.explain import AttentionMaps

STYLE = (
    ".maps{display:flex;flex-wrap:wrap;gap:1.5em}.maps figure{margin:0}.maps svg{display:block;font:10px monospace;"
    "max-width:100%;height:auto}.maps image{image-rendering:pixelated}"
)
LOOKS = "from the token of a row to that of a column"
LOOKS_ACROSS = "of the decoder, as it writes the token of a row, to the token of the source in a column"
NOTE = (
    "Attention of each layer, the mean over its heads: {looks}, the darker the more; each map is black at its own "
    "largest weight. It shows where a layer reads, and is not an explanation by itself: harness explain RUN --curve 20 "
    "--attention measures what it is worth."
)
SIDE, LETTER, MOST_LETTERS = 12, 6.2, 16
"""Size of a cell and width of a letter, in pixels; longer tokens are truncated."""


def attention_maps(found: AttentionMaps) -> str:
    """The maps of all layers, in order."""
    columns = [truncated(printable(token), MOST_LETTERS) for token in found.tokens]
    rows = columns if found.written is None else [truncated(printable(token), MOST_LETTERS) for token in found.written]
    figures = "\n".join(
        f"<figure><figcaption>Layer {number}</figcaption>{_drawn(rows, columns, layer, number)}</figure>"
        for number, layer in enumerate(found.layers, start=1)
    )
    note = escape(NOTE.format(looks=LOOKS if found.written is None else LOOKS_ACROSS))
    return f'\n<h3>Attention</h3>\n<p><small>{note}</small></p>\n<div class="maps">\n{figures}\n</div>'


def _drawn(rows: Sequence[str], columns: Sequence[str], layer: Sequence[Sequence[float]], number: int) -> str:
    left, top = (LETTER * max(map(len, words)) + 6 for words in (rows, columns))
    width, height = SIDE * len(columns), SIDE * len(rows)
    picture = base64.b64encode(png(list(_grey(layer)))).decode()
    box = f'viewBox="0 0 {width + left:.0f} {height + top:.0f}" width="{width + left:.0f}"'
    return (
        f'<svg {box} role="img" aria-label="Attention of layer {number}">'
        f'<image x="{left:.0f}" y="{top:.0f}" width="{width}" height="{height}" '
        f'href="data:image/png;base64,{picture}"/>{"".join(_names(rows, columns, left, top))}</svg>'
    )


def _names(rows: Sequence[str], columns: Sequence[str], left: float, top: float) -> Iterator[str]:
    for place, word in enumerate(rows):
        middle = top + SIDE * (place + 0.5) + 3
        yield f'<text x="{left - 3:.0f}" y="{middle:.0f}" text-anchor="end">{escape(word)}</text>'
    for place, word in enumerate(columns):
        middle = left + SIDE * (place + 0.5) + 3
        yield f'<text transform="translate({middle:.0f} {top - 3:.0f}) rotate(-90)">{escape(word)}</text>'


def _grey(layer: Sequence[Sequence[float]]) -> Iterator[bytes]:
    most = max((max(row) for row in layer), default=0.0) or 1.0
    for row in layer:
        yield bytes(round(255 * (1 - min(max(weight / most, 0.0), 1.0))) for weight in row)


def png(rows: Sequence[bytes]) -> bytes:
    """Encode a greyscale image (PNG, second edition, sections 5 and 11).

    Args:
        rows: The rows from the top; 0 is black.
    """

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
