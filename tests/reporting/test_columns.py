"""A column of a report is one object: heading, fields, when it is shown, footnote and CSV field come with it."""

import csv
import io
from dataclasses import replace

import pytest

from harness.registry import FORMATS
from harness.reporting import columns, tables
from harness.reporting.columns import Column, Footnote
from harness.reporting.columns_in_use import milliseconds
from harness.reporting.columns_of_cost import COSTS
from harness.reporting.entries import Entry


@pytest.fixture
def added(monkeypatch):
    """Adds a column to those of a task's scores."""

    def add(column):
        monkeypatch.setattr(columns, "DETAILS", (*columns.DETAILS, column))
        monkeypatch.setattr(tables, "DETAILS", columns.DETAILS)

    return add


def runs_column(concerns):
    return Column(
        "Runs",
        lambda cell, _: Entry(f"{len(cell.runs)} in all"),
        concerns=concerns,
        footnotes=(Footnote("Runs: whatever became of them.", concerns),),
        csv="runs",
        number=lambda cell: len(cell.runs),
    )


def test_a_second_and_more_is_not_told_in_milliseconds():
    assert [milliseconds(seconds) for seconds in (0.01234, 0.9994, 0.9995, 2.5, 95.0)] == [
        "12.3 ms", "999 ms", "1 s", "2.5 s", "95 s"
    ]  # fmt: skip


def test_a_new_column_is_in_the_table_with_its_footnote(comparison, added):
    added(runs_column(lambda cell: cell.model == "scratch"))
    table = tables.details(comparison.tasks[0])
    assert table.headings[-1] == "Runs"
    assert {row[-1].text for row in table.rows} >= {"3 in all", "1 in all"}
    assert "Runs: whatever became of them." in tables.footnotes(comparison)


def test_a_column_that_says_nothing_of_any_model_is_left_out(comparison, added):
    added(runs_column(lambda cell: cell.model == "nobody"))
    assert "Runs" not in tables.details(comparison.tasks[0]).headings
    assert "Runs: whatever became of them." not in tables.footnotes(comparison)


def test_a_column_s_number_is_in_the_csv_file(comparison):
    rows = list(csv.DictReader(io.StringIO(FORMATS.load("csv")(comparison))))
    named = [column for column in columns.DETAILS if column.csv]
    assert named
    cells = [cell for task in comparison.tasks for cell in task.cells]
    for column in named:
        expected = ["" if (number := column.number(cell)) is None else str(number) for cell in cells]
        assert [row[column.csv] for row in rows] == expected


def test_every_heading_of_a_table_is_there_once():
    for group in (columns.DETAILS, columns.DIFFERENCES, COSTS):
        headings = [column.heading for column in group]
        assert len(set(headings)) == len(headings) > 2


def test_trained_parameters_are_shown_where_a_model_trains_a_part_of_them(comparison):
    task = comparison.tasks[0]
    assert "Trained parameters" not in tables.costs(task).headings  # of records that did not count them
    shown = []
    for trained in (900.0, 5000.0, None):
        cost = replace(task.cells[0].cost, parameters=5000.0, trained_parameters=trained)
        table = tables.costs(replace(task, cells=(replace(task.cells[0], cost=cost),)))
        shown.append(dict(zip(table.headings, (entry.text for entry in table.rows[0]), strict=True)))
    assert [row.get("Trained parameters") for row in shown] == ["900", None, None]
    assert [row["Parameters"] for row in shown] == ["5 k"] * 3
