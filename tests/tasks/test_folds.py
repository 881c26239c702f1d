"""Cross-validation's folds: every row is a test row once, and nothing of it is in training then."""

from collections import Counter
from random import Random

import pytest

from harness.data.folds import dealt
from harness.data.splitting import LeftOut, separated
from harness.errors import UserError
from harness.fold import Fold
from harness.task_types.texts import TextExample

WORDS = [f"w{n}" for n in range(9_000)]


def unlike(number):
    return " ".join(Random(number).choices(WORDS, k=30))


def examples(count, *, labels=2, group_size=1):
    return [
        TextExample(str(n), unlike(n), n % labels, group=str(n // group_size) if group_size > 1 else "")
        for n in range(count)
    ]


def in_folds(rows, count, *, left_out=None, near=True):
    """The splits of each fold."""
    tables = rows if isinstance(rows, dict) else {"train": rows}
    return [
        separated(tables, left_out or LeftOut(), near=near, fold=Fold(number=number, of=count))
        for number in range(1, count + 1)
    ]


def complaint(rows, count):
    with pytest.raises(UserError) as raised:
        in_folds(rows, count)
    return raised.value.lines


def ids(rows):
    return {one.id for one in rows}


def test_every_row_is_a_test_row_once_and_the_others_train_or_choose():
    splits = in_folds(examples(103), 5)
    assert sorted(int(one.id) for fold in splits for one in fold["test"]) == list(range(103))
    assert [len(fold["test"]) for fold in splits] == [21, 21, 21, 20, 20]
    for fold in splits:
        assert sorted(int(one.id) for split in fold.values() for one in split) == list(range(103))
        assert len(fold["validation"]) == 8  # a tenth of what is not tested


def test_every_label_keeps_its_share_in_every_fold():
    rare = [TextExample(f"r{n}", unlike(9_000 + n), 2) for n in range(10)]
    splits = in_folds([*examples(100), *rare], 5)
    assert [Counter(one.target for one in fold["test"]) for fold in splits] == [{0: 10, 1: 10, 2: 2}] * 5


def test_a_label_with_fewer_rows_than_folds_never_loses_them_all_to_one():
    rare = [TextExample(f"r{n}", unlike(9_000 + n), 2) for n in range(2)]
    splits = in_folds([*examples(100), *rare], 5)
    assert max(Counter(one.target for one in fold["test"])[2] for fold in splits) == 1
    assert all(2 in {one.target for one in fold["train"]} for fold in splits)


def test_no_group_is_on_two_sides_of_any_fold():
    splits = in_folds(examples(140, group_size=7), 5)
    for fold in splits:
        groups = {split: {one.group for one in rows} for split, rows in fold.items()}
        assert len(fold["test"]) == 28
        assert fold["validation"]
        assert not groups["train"] & groups["test"]
        assert not groups["train"] & groups["validation"]
        assert not groups["validation"] & groups["test"]


def test_near_duplicates_are_in_one_fold():
    rows = examples(100)
    copies = [TextExample(f"copy-{one.id}", f"{one.text} and more", one.target) for one in rows[:30]]
    for fold in in_folds([*rows, *copies], 4):
        sides = {split: {one.id.removeprefix("copy-") for one in found} for split, found in fold.items()}
        assert not sides["test"] & (sides["train"] | sides["validation"])
        assert not sides["train"] & sides["validation"]


def test_equal_rows_are_dropped_before_and_are_tested_once():
    rows = examples(60)
    left_out = LeftOut()
    again = [TextExample(f"again-{one.id}", one.text, one.target) for one in rows]
    splits = in_folds([*rows, *again], 3, left_out=left_out)
    assert sorted(int(one.id) for fold in splits for one in fold["test"]) == list(range(60))
    assert left_out.dropped == {"train rows that repeat an earlier one": 3 * 60}


def test_where_near_duplicates_chain_everything_together_only_equal_rows_are_kept_together():
    chains = [[f"{chain}{n}" for n in range(100)] for chain in "vu"]  # each row has fourteen words of the one before
    rows = [TextExample(f"{w[0]}{n}", " ".join(w[6 * n : 6 * n + 20]), n % 2) for w in chains for n in range(8)]
    rows += [TextExample(f"x{n}", unlike(n), n % 2) for n in range(4)]
    left_out = LeftOut()
    splits = in_folds(rows, 5, left_out=left_out)
    assert [len(fold["test"]) for fold in splits] == [4] * 5
    assert set(left_out.notes) == {"folds: near-duplicates make groups too large to keep each in one fold"}


def near_duplicates(*cluster_sizes):
    return [
        TextExample(f"{n}-{k}", f"{unlike(n)} x{n} y{k}", k % 2)
        for n, size in enumerate(cluster_sizes)
        for k in range(size)
    ]


def test_near_duplicates_stay_together_where_no_fold_has_less_than_half_of_its_part():
    left_out, chosen = LeftOut(), examples(60)[50:]
    splits = in_folds({"train": near_duplicates(5, 5, 4, 4, 2), "validation": chosen}, 5, left_out=left_out)
    assert sorted(len(fold["test"]) for fold in splits) == [2, 4, 4, 5, 5]  # half of a fifth of 20 are 2
    assert left_out.notes == []
    splits = in_folds({"train": near_duplicates(5, 5, 5, 5, 2), "validation": chosen}, 5, left_out=left_out)
    assert sorted(len(fold["test"]) for fold in splits) == [4, 4, 4, 5, 5]  # half of a fifth of 22 are more than 2
    assert set(left_out.notes) == {"folds: near-duplicates make groups too large to keep each in one fold"}


def test_groups_of_unequal_size_stay_whole_and_are_not_laid_to_near_duplicates():
    groups = [group for group, size in enumerate((8, 8, 2, 1, 1)) for _ in range(size)]
    rows = [TextExample(str(n), unlike(n), n % 2, group=f"g{group}") for n, group in enumerate(groups)]
    left_out = LeftOut()
    splits = in_folds(rows, 5, left_out=left_out)
    assert [len(fold["test"]) for fold in splits] == [1, 1, 8, 2, 8]
    assert left_out.notes == []


def test_the_folds_of_numbers_are_equal_in_size():
    rows = [TextExample(str(n), unlike(n), n / 7) for n in range(50)]
    assert [len(fold["test"]) for fold in in_folds(rows, 5)] == [10] * 5


def test_a_validation_file_is_that_of_every_fold_and_rows_that_repeat_it_are_no_test_rows():
    rows = examples(60)
    chosen = [TextExample("v", unlike(5_000), 0), TextExample("w", f"{rows[0].text} and more", 0)]
    splits = in_folds({"train": rows, "validation": chosen}, 3)
    assert all(fold["validation"] == chosen for fold in splits)
    assert sorted(int(one.id) for fold in splits for one in fold["test"]) == list(range(1, 60))


def test_the_folds_are_the_same_every_time():
    assert in_folds(examples(60, group_size=3), 4) == in_folds(examples(60, group_size=3), 4)
    # As scikit-learn 1.9 deals them: other folds would change everybody's scores.
    tested = [[one.id for one in fold["test"]] for fold in in_folds(examples(15), 3)]
    assert tested == [["0", "2", "3", "11", "12"], ["6", "7", "8", "10", "13"], ["1", "4", "5", "9", "14"]]


def test_too_few_rows_for_so_many_folds_are_told():
    assert complaint(examples(11), 6) == ("train: 11 different examples are too few for 6 folds. Give more.",)
    assert complaint(examples(9), 2) == ("train: 9 different examples are too few for 2 folds. Give more.",)
    assert [len(fold["test"]) for fold in in_folds(examples(14), 7)] == [2] * 7


def test_groups_too_large_for_the_folds_are_told():
    assert complaint(examples(60, group_size=20), 5) == (
        "train: its rows form groups too large for 5 folds (the same text, or the same group). Ask for fewer folds.",
    )


def test_a_test_split_beside_folds_is_told():
    tables = {"train": examples(60), "test": [TextExample("t", unlike(5_000), 0)]}
    assert complaint(tables, 5) == ("test: there is a test split beside 5 folds of train. Leave one of them out.",)


def test_labels_that_all_have_fewer_rows_than_folds_are_dealt_all_the_same():
    folds = dealt([[place] for place in range(60)], list(range(60)), 3)
    assert [len(fold) for fold in folds] == [20] * 3


@pytest.mark.parametrize("others", ["bbccdd", "bbbbbbbbbc"])
def test_a_label_with_a_row_for_each_fold_is_in_each_whatever_the_others_have(others):
    strata = [*"aaa", *others]
    folds = dealt([[place] for place in range(len(strata))], strata, 3)
    assert [sum(strata[place] == "a" for place in fold) for fold in folds] == [1, 1, 1]


def test_of_fewer_groups_than_folds_each_is_a_fold_and_the_others_are_empty():
    assert dealt([[0, 1], [2]], ["a", "b", "a"], 4) == [[0, 1], [2], [], []]
