"""What a field holds, and which id and group its row has."""

from dataclasses import replace

import pytest

from harness.data.fields import MOST, FieldError, label_index, number_field, text_field
from harness.data.rows import group_of, identities, row_place
from harness.data.task import Task
from harness.data.written_values import NotWrittenError, written_value


@pytest.mark.parametrize("field", ["a b", ["a b"]])
def test_a_text_or_a_list_of_texts_is_text(field):
    assert text_field({"text": field}, "text") == "a b"


@pytest.mark.parametrize("field", [None, 3, ["a", 3], ("a", "b"), {"a": "b"}])
def test_what_is_no_text_is_told(field):
    with pytest.raises(FieldError, match=r"text: not text \(got "):
        text_field({"text": field}, "text")


def test_a_long_field_is_told_by_its_beginning_and_a_number_as_one():
    with pytest.raises(FieldError) as told:
        text_field({"text": {"a": "x" * 1000}}, "text")
    assert len(str(told.value)) < 200
    with pytest.raises(FieldError, match=r"text: not text \(got 1984\)\. Write a number in quotes"):
        text_field({"text": 1984}, "text")


@pytest.mark.parametrize(("field", "number"), [(3, 3.0), ("-2.5e1", -25.0), (" 7 ", 7.0), (MOST, 1e30), (-MOST, -1e30)])
def test_a_number_is_read_as_it_is_written(field, number):
    assert number_field(field, "label") == number


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (True, "not a finite number"),
        (None, "not a finite number"),
        ("nan", "not a finite number"),
        ("much", "not a finite number"),
        (10**400, "not a finite number"),
        (1.1e30, "a number beyond 1e\\+30"),
        ("$1,234.50", "a number with a currency, a unit or separators"),
        ("1,5", "a decimal comma \\(got '1,5'\\), which not all .* Write a point in its place, such as 1.5."),
        ("-0,1234", "a decimal comma"),
        ("1,500", "a comma that may stand before decimals or .* Write 1.500 or 1500; or set decimal to comma"),
        ("1,500,000", "a number with a currency, a unit or separators"),
        ("12 kg", "a number with a currency, a unit or separators"),
    ],
)
def test_what_is_no_number_is_told_as_what_it_is(field, said):
    with pytest.raises(FieldError, match=f"^label: {said}"):
        number_field(field, "label")


NAMES = ("1.0", "no", "2")


@pytest.mark.parametrize(
    ("field", "named", "index"),
    [
        (0, True, 0),
        (2, True, 2),
        (2, False, 2),  # by its name
        ("1.0", True, 0),  # as the task has it
        ("2.0", True, 2),  # as numbers are called
        (2.0, True, 2),
        ("no ", True, 1),
    ],
)
def test_a_label_is_an_index_where_the_task_names_them_and_else_a_name(field, named, index):
    assert label_index(field, "label", NAMES, named=named) == index


@pytest.mark.parametrize(
    ("field", "named", "said"),
    [
        (-1, True, "label -1, which stands for a withheld one"),
        (3, True, "label index 3, but there are 3 labels"),
        (-2, True, "label index -2, but there are 3 labels"),
        (-1, False, "label '-1' is not among those"),
        (True, True, "label 'True' is not among those"),
        (float("nan"), False, "no label"),
        (None, True, "no label"),
    ],
)
def test_what_is_no_label_is_told(field, named, said):
    with pytest.raises(FieldError, match=f"^label: {said}"):
        label_index(field, "label", NAMES, named=named)


@pytest.mark.parametrize(
    ("cells", "identity"),
    [({}, "test-7"), ({"id": None}, "test-7"), ({"id": ""}, "test-7"), ({"id": 0}, "0"), ({"id": "x"}, "x")],
)
def test_a_row_s_id_is_its_own_or_its_number(cells, identity):
    assert identities([*[{}] * 6, cells], "test")[-1] == identity
    assert row_place("test", 7, cells) == "test row 7"


@pytest.mark.parametrize(("cell", "group"), [(0, "0"), ("x", "x"), (None, ""), (float("nan"), "")])
def test_a_row_s_group_is_what_its_cell_says_as_text_and_an_empty_cell_is_none(cell, group):
    task = Task(task_type="classification", source=None, metrics=(), licence="", citation="", group="film")
    assert group_of(task, {"film": cell}) == group
    assert group_of(replace(task, group=None), {"film": cell}) == ""


def test_a_list_as_numpy_prints_it_has_each_item_by_itself_and_what_almost_is_one_is_refused():
    assert written_value("[u'a' u\"b\"]") == written_value("['a'\n 'b']") == ["a", "b"]
    assert written_value("[1.  -2 .5 2e-3]") == [1.0, -2, 0.5, 0.002]
    with pytest.raises(NotWrittenError):
        written_value(f"[{'1' * 20_000}x]")  # At once: it takes a pattern that tries every division a minute.
