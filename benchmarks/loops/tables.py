"""Tables of the measurements, for the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.loops.job import BASE, LOOPS, RIVAL
from benchmarks.loops.measured import Case, Spread

BUSY = 1.1  # clock seconds a processor second above which the machine is called busy


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        title: What was measured.
        headings: Of the columns; all but the first are numbers.
        rows: Their cells.
        notes: Below it.
    """

    title: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    notes: Sequence[str] = ()

    def markdown(self) -> str:
        """As GitHub's Markdown has it."""
        ruler = ("---", *("---:" for _ in self.headings[1:]))
        lines = [f"| {' | '.join(cells)} |" for cells in (self.headings, ruler, *self.rows)]
        return "\n".join([f"### {self.title}", "", *lines, *(f"\n{note}" for note in self.notes), ""])

    def show(self, console: Console) -> None:
        """Print it."""
        table = RichTable(title=self.title, title_justify="left", box=None, padding=(0, 2, 0, 0))
        for index, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if index else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(note, style="dim", highlight=False)
        console.print()


def case_table(case: Case) -> Table:
    """The loops on one model and one kind of text, a row each."""
    headings = ("loop", "ms an example", f"x {BASE}", f"x {RIVAL}", "share of peak", "of physical", "loss")
    title = (
        f"{case.mode.capitalize()}, {case.shape}, {case.data}-like: {case.examples} examples a turn, "
        f"{case.tokens / case.examples:.0f} tokens each, batches of {case.batch_size}"
    )
    return Table(title, headings, [_row(case, loop) for loop in case.turns], list(_notes(case)))


def spread_text(value: Spread, digits: int) -> str:
    """The median, and the least and the most in brackets where they differ from it.

    >>> spread_text(Spread(2.0, 1.96, 2.1), 2)
    '2.00 (1.96–2.10)'
    """
    middle, low, high = (f"{number:.{digits}f}" for number in (value.middle, value.low, value.high))
    return middle if low == high else f"{middle} ({low}–{high})"


def busy_notes(clock: float) -> list[str]:
    """A note if the machine was busy, given the seconds of the clock for each of the processor."""
    return [f"The machine was busy: {clock:.1f} s of the clock for each of the processor."] if clock > BUSY else []


def _row(case: Case, loop: str) -> tuple[str, ...]:
    physical = case.share_of_physical(loop)
    return (
        f"{LOOPS[loop].name}, {case.precisions[loop]}",
        spread_text(case.milliseconds(loop), 2),
        *(spread_text(case.times_as_fast(loop, other), 2) if other in case.turns else "" for other in (BASE, RIVAL)),
        f"{100 * case.share_of_peak(loop):.0f} %",
        "" if physical is None else f"{100 * physical:.0f} %",
        f"{case.loss(loop):.4f}",
    )


def _notes(case: Case) -> Iterator[str]:
    peaks = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {precision}" for precision, rate in case.peaks.items())
    yield f"Peak of matrix products in the same run: {peaks}."
    if case.physical:
        most = ", ".join(f"{rate / 1e9:.0f} GFLOP/s in {precision}" for precision, rate in case.physical.items())
        yield f"Physical peak, of multiply-adds in a core's registers: {most}."
    if case.data == "SQuAD":
        yield (
            "Losses differ by padding, not by learning: transformers' own question answering loss counts padding among "
            "the places where an answer may be, the harness's does not."
        )
    yield from busy_notes(case.busy())
