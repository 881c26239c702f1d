"""Numbers with a decimal comma: read if the whole column is written like that, or as the user says."""

import pytest

from harness.config.run import LocalData
from harness.data.decimal_commas import has_decimal_commas
from harness.data.fields import FieldError, number_field
from harness.data.guessing import guessed
from harness.data.labels import are_measured
from harness.data.loading import load_splits
from harness.data.untrained import splits_to_score
from harness.errors import UserError


def prices(count=30, *, comma=","):
    return [f"{n}{comma}5" if n % 3 else str(n) for n in range(count)]


def task_of(folder, numbers, *, encoding="utf-8", split="train", **settings):
    """A task on a table as Excel writes it in German."""
    rows = "".join(f'"Süße Nüsse in einer großen Tüte, Nummer {n}";{number}\r\n' for n, number in enumerate(numbers))
    file = folder / f"{split}.csv"
    file.write_bytes(f"Artikel;Preis\r\n{rows}".encode(encoding))
    named = {"text": "Artikel", "label": "Preis", "task_type": "regression"}
    return LocalData(**{split: str(file)}, **named, **settings).task()


@pytest.mark.parametrize(
    ("fields", "has_commas"),
    [
        (["3,5", "4", "-0,25"], True),
        ([" 3,5 ", "", None, float("nan"), 4, 4.0], True),
        (["1,500", "2,35"], True),  # 2,35 can't be thousands
        (["0,500", "80"], True),
        (["1234,567", "80"], True),
        (["1,500", "12,000"], False),
        (["3,5", "3.5"], False),
        (["3,5", 3.5], False),
        (["3,5", "1.000,5"], False),
        (["3,5", "1,000,000"], False),
        (["3,5", "much"], False),
        (["3,5", True], False),
        (["3", "4"], False),
        ([], False),
    ],
)
def test_commas_are_decimal_commas_if_all_numbers_agree(fields, has_commas):
    assert has_decimal_commas(fields) is has_commas


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_table_of_a_german_excel_is_read_in_one_go_and_the_commas_are_told(tmp_path, encoding):
    splits = load_splits(task_of(tmp_path, prices(), encoding=encoding))
    read = {
        example.text: example.target for split in (splits.train, splits.validation, splits.test) for example in split
    }
    assert read == {f"Süße Nüsse in einer großen Tüte, Nummer {n}": n + 0.5 * bool(n % 3) for n in range(30)}
    assert splits.notes == ("Preis: numbers are read with a decimal comma, such as '1,5' as 1.5",)
    assert splits.labels == ()


def test_numbers_with_points_are_read_as_before_without_a_word(tmp_path):
    splits = load_splits(task_of(tmp_path, prices(comma=".")))
    assert {example.target for example in splits.test} <= {n + 0.5 * bool(n % 3) for n in range(30)}
    assert splits.notes == ()


def test_a_comma_that_may_separate_thousands_is_refused_unless_the_user_says_what_it_is(tmp_path):
    numbers = [f"{n},000" for n in range(1, 31)]
    with pytest.raises(
        UserError, match=r"may stand before decimals or between thousands \(got '1,000'\). .*--decimal comma"
    ):
        load_splits(task_of(tmp_path, numbers))
    splits = load_splits(task_of(tmp_path, numbers, decimal="comma"))
    assert max(example.target for example in splits.train) <= 30


def test_commas_are_refused_where_the_user_says_that_there_are_points(tmp_path):
    with pytest.raises(UserError, match=r"Preis: a decimal comma \(got '1,5'\)"):
        load_splits(task_of(tmp_path, prices(), decimal="point"))


def test_a_column_that_has_both_is_refused_by_its_commas(tmp_path):
    with pytest.raises(UserError) as told:
        load_splits(task_of(tmp_path, ["2.5", *prices()]))
    assert told.value.lines[0].endswith(
        "line 4): Preis: a decimal comma (got '1,5'), which not all numbers of the column have. "
        "Write a point in its place, such as 1.5."
    )


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("1.5", r"a point \(got '1.5'\) among numbers with a decimal comma"),
        ("1.234,5", r"a number with a currency, a unit or separators .* with a comma before decimals, such as 1234,5"),
        ("1,500,000", "a number with a currency, a unit or separators"),
        ("5,5 €", "a number with a currency, a unit or separators"),
        ("much", "not a finite number"),
    ],
)
def test_other_numbers_among_decimal_commas_are_refused(field, said):
    with pytest.raises(FieldError, match=f"^price: {said}"):
        number_field(field, "price", decimal="comma")


def test_a_test_file_alone_is_read_by_its_own_numbers(tmp_path):
    splits = splits_to_score(task_of(tmp_path, prices(12), split="test"))
    assert [example.target for example in splits.test][:3] == [0.0, 1.5, 2.5]


def test_decimal_commas_are_numbers_for_a_guess_and_no_classes():
    rows = [
        {"text": f"one of the films that ran on day {n}", "grade": f"{n % 4},5" if n % 2 else "3"} for n in range(40)
    ]
    assert guessed(rows, named={}).task_type == "regression"
    assert are_measured([f"{n},25" for n in range(30)])
