"""Splits carved by label and group, without leaks."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from harness.data.duplicates import normalised
from harness.data.splitting import MOST_CHARACTERS, MOST_COMPARED, LeftOut, repeating
from harness.data.splitting import separated as _separated
from harness.errors import UserError
from harness.fold import Fold
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.sequence_to_sequence.examples import SequencePair
from harness.task_types.texts import TextExample

WORDS = [f"w{n}" for n in range(9_000)]


def separated(rows, **settings):
    """The splits, and how many rows were left out, by reason."""
    left_out = LeftOut()
    return _separated(rows, left_out, **settings), left_out.dropped


def unlike(number):
    return " ".join(Random(number).choices(WORDS, k=30))


def examples(count, *, labels=2, group_size=1):
    return [
        TextExample(str(n), unlike(n), n % labels, group=str(n // group_size) if group_size > 1 else "")
        for n in range(count)
    ]


def sizes(splits):
    return {split: len(rows) for split, rows in splits.items()}


def test_without_other_splits_a_fifth_judges_and_a_tenth_of_the_whole_chooses():
    splits, dropped = separated({"train": examples(1_000)})
    assert sizes(splits) == {"train": 700, "test": 200, "validation": 100}
    assert dropped == {}


def test_with_a_test_split_a_tenth_of_train_chooses():
    test = [TextExample("t", unlike(5_000), 0)]
    assert sizes(separated({"train": examples(1_000), "test": test})[0])["validation"] == 100


def test_the_carving_is_the_same_every_time():
    splits, _ = separated({"train": examples(20)})  # others would change everybody's scores
    assert [[one.id for one in splits[split]] for split in ("test", "validation")] == [
        ["0", "4", "7", "9"],
        ["1", "10"],
    ]


def test_every_label_keeps_its_share_on_every_side():
    rare = [TextExample(f"r{n}", unlike(9_000 + n), 2) for n in range(20)]
    splits, _ = separated({"train": [*examples(980), *rare]})
    assert {split: Counter(one.target for one in rows)[2] for split, rows in splits.items()} == {
        "train": 14,
        "test": 4,
        "validation": 2,
    }


def test_groups_of_too_many_examples_of_a_label_are_carved_all_the_same_and_each_label_stays_in_training():
    # A fifth of a label's twelve examples are two, but a group has three of each of its four labels.
    grouped = [TextExample(str(n), unlike(n), n // 3 % 30, group=str(n // 12)) for n in range(360)]
    splits, _ = separated({"train": grouped})
    assert sizes(splits) == {"train": 252, "test": 72, "validation": 36}
    assert {one.target for one in splits["train"]} == set(range(30))
    assert not {one.group for one in splits["train"]} & {one.group for one in (*splits["test"], *splits["validation"])}


def test_a_label_with_three_examples_is_on_every_side_and_never_leaves_training():
    rare = [TextExample(f"r{n}", unlike(9_000 + n), 2) for n in range(4)]
    splits, _ = separated({"train": [*examples(100), *rare]})
    assert all(any(one.target == 2 for one in rows) for rows in splits.values())


def test_no_group_is_on_two_sides():
    splits, _ = separated({"train": examples(600, group_size=7)})
    groups = {split: {one.group for one in rows} for split, rows in splits.items()}
    assert not groups["train"] & groups["test"]
    assert not groups["train"] & groups["validation"]
    assert not groups["validation"] & groups["test"]
    assert 80 <= len(splits["test"]) <= 120


def test_near_duplicates_are_carved_to_one_side():
    rows = examples(300)
    copies = [TextExample(f"copy-{one.id}", f"{one.text} and more", one.target) for one in rows]
    splits, _ = separated({"train": [*rows, *copies]})
    sides = {one.id: split for split, rows in splits.items() for one in rows}
    assert len(set(sides.values())) == 3
    assert all(sides[one.id] == sides[f"copy-{one.id}"] for one in rows)


def test_questions_on_one_passage_are_carved_to_one_side():
    passages = [unlike(n) for n in range(60)]
    rows = [
        QuestionExample(f"{n}-{k}", f"what {n} {k}", passage, (Answer(passage[:5], 0),))
        for n, passage in enumerate(passages)
        for k in range(4)
    ]
    splits, _ = separated({"train": rows})
    sides = [{one.context for one in side} for side in splits.values()]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 60


def chinese(number, length):
    return "".join(Random(number).choices([chr(0x4E00 + place) for place in range(3_000)], k=length))


def test_a_script_without_blanks_has_words_too():
    rows = [
        QuestionExample(f"{n}", f"{chinese(n, 12)}？", chinese(1_000 + n // 4, 200), (Answer("x", -1),))
        for n in range(160)
    ]
    splits, _ = separated({"train": rows})
    sides = [{one.context for one in split} for split in splits.values()]
    assert sum(map(len, sides)) == len(set().union(*sides)) == 40


def test_near_duplicates_are_found_in_a_script_without_blanks():
    train = [TextExample(f"{n}", chinese(n, 120), n % 2) for n in range(60)]
    test = [TextExample(f"{n}", chinese(n, 120)[:60] + "一" + chinese(n, 120)[61:], n % 2) for n in range(20)]
    _, dropped = separated({"train": train, "test": test})
    assert dropped == {"train rows that nearly repeat validation or test": 20}


def test_a_single_group_cannot_be_carved():
    with pytest.raises(UserError, match="groups too large to take test from"):
        separated({"train": examples(50, group_size=50)})


def test_a_short_hypothesis_that_many_pairs_share_does_not_chain_them():
    rows = [TextExample(str(n), unlike(n), n % 2, pair="Yes.") for n in range(200)]
    assert sizes(separated({"train": rows})[0]) == {"train": 140, "test": 40, "validation": 20}


def test_a_pair_leaks_only_if_both_of_its_texts_do():
    test = [TextExample("t", unlike(1), 0, pair=unlike(2))]
    half = TextExample("half", unlike(1), 0, pair=unlike(3))
    both = TextExample("both", f"{unlike(1)} and more", 0, pair=unlike(2).upper())
    others = [TextExample(str(n), unlike(n), 0, pair=unlike(100 + n)) for n in range(10, 30)]
    splits, dropped = separated({"train": [half, both, *others], "validation": others[:1], "test": test})
    assert {"half", "both"} & {one.id for one in splits["train"]} == {"half"}
    assert dropped["train rows that nearly repeat validation or test"] == 2  # `both`, and the row that is in validation


def test_a_validation_row_that_repeats_a_test_row_is_dropped_from_validation():
    rows = examples(60)
    splits, dropped = separated({"train": rows[:40], "validation": rows[40:52], "test": rows[50:]})
    assert sizes(splits) == {"train": 40, "validation": 10, "test": 10}
    assert dropped == {"validation rows that nearly repeat test": 2}


def test_of_several_labels_the_rarest_decides_where_an_example_counts():
    rows = [TextExample(str(n), unlike(n), (0, 1) if n % 10 == 0 else (0,)) for n in range(200)]
    splits, _ = separated({"train": rows})
    assert {split: sum(1 in one.target for one in side) for split, side in splits.items()} == {
        "train": 14,
        "test": 4,
        "validation": 2,
    }


def formulaic(count, *, own=3, start=0):
    """Texts that differ in a few words from each of three others: near-duplicates, as far as one can see."""
    return [
        TextExample(f"{start}-{n}", f"{unlike(7_000 + n // 4)} {' '.join(unlike(start + n).split()[:own])}", n % 2)
        for n in range(count)
    ]


def test_where_more_than_half_of_a_split_would_go_only_equal_rows_go_and_that_is_noted():
    left_out = LeftOut()
    train, test = formulaic(64, start=1_000), formulaic(64, start=2_000)
    given = {"train": [*train, replace(test[0], id="equal")], "validation": examples(20), "test": test}
    splits = _separated(given, left_out)
    assert [one.id for one in splits["train"]] == [one.id for one in train]
    assert left_out.dropped == {"train rows that nearly repeat validation or test": 1}
    assert left_out.notes == [
        "65 of 65 train rows that nearly repeat validation or test: more than half; such texts are alike "
        "anyway, so only equal ones are left out"
    ]


def test_near_duplicates_too_many_to_stay_together_are_carved_apart_and_that_is_noted():
    base = unlike(1).split()
    rows = [TextExample(str(n), " ".join([*base[: n % 30], f"x{n}", *base[n % 30 :]]), n % 2) for n in range(60)]
    left_out = LeftOut()
    splits = _separated({"train": rows}, left_out)
    assert sizes(splits) == {"train": 42, "test": 12, "validation": 6}
    assert left_out.notes == [
        f"{split}: near-duplicates make groups too large to keep each on one side of it"
        for split in ("test", "validation")
    ]


def test_near_duplicates_can_be_kept():
    test = [TextExample("t", unlike(1), 0)]
    rows = [
        TextExample("near", f"{unlike(1)} and more", 0),
        TextExample("equal", unlike(1).upper(), 0),
        *examples(9)[2:],
    ]
    splits, dropped = separated({"train": rows, "validation": examples(12)[9:], "test": test}, near=False)
    assert "near" in {one.id for one in splits["train"]}
    assert dropped == {"train rows that nearly repeat validation or test": 1}


def test_one_text_under_two_labels_is_counted_as_a_contradiction():
    rows = examples(20)
    again = [TextExample("same", rows[0].text, rows[0].target)]
    again += [TextExample(f"other-{n}", rows[n].text.upper(), 0) for n in (1, 3)]
    _, dropped = separated({"train": [*rows, *again]})
    assert dropped == {
        "train rows that repeat an earlier one": 1,
        "train rows that repeat an earlier one under another label": 2,
    }


def test_labels_that_occur_once_each_are_the_reason_that_nothing_can_be_carved():
    with pytest.raises(UserError, match="50 labels are too many to take test from 50 rows"):
        separated({"train": examples(50, labels=50)})


def clusters_of(size, count, labels=2):
    """Near-duplicates in clusters of so many."""
    return [TextExample(f"{n}-{k}", f"{unlike(n)} x{n} y{k}", k % labels) for n in range(count) for k in range(size)]


def test_near_duplicates_stay_together_where_half_of_what_is_wanted_can_be_taken_so():
    # 13 of 64 are wanted, six of each label: one cluster of eight fits, two don't.
    left_out = LeftOut()
    splits = _separated({"train": clusters_of(8, 8), "validation": examples(40)[30:]}, left_out)
    assert (len(splits["test"]), left_out.notes) == (8, [])
    assert len({one.id.split("-")[0] for one in splits["test"]}) == 1


TOO_LARGE = "test: near-duplicates make groups too large to keep each on one side of it"


@pytest.mark.parametrize(
    ("cluster_sizes", "grouped", "taken", "notes"),
    [
        ((5, 14, 14, 14, 13), False, 12, [TOO_LARGE]),
        ((6, 14, 14, 13, 13), False, 6, []),
        ((5, 14, 14, 14, 13), True, 5, []),  # what is in groups stays there, and near-duplicates are no reason
    ],
)
def test_near_duplicates_are_carved_apart_where_together_less_than_half_of_what_is_wanted_fits(
    cluster_sizes, grouped, taken, notes
):
    # 12 of 60 are wanted: only the first cluster fits.
    rows = [
        TextExample(f"{n}-{k}", f"{unlike(n)} x{n} y{k}", k % 2, group=f"g{n}" if grouped else "")
        for n, size in enumerate(cluster_sizes)
        for k in range(size)
    ]
    left_out = LeftOut()
    splits = _separated({"train": rows, "validation": examples(40)[30:]}, left_out)
    assert (len(splits["test"]), left_out.notes) == (taken, notes)


@pytest.mark.parametrize(("first", "taken"), [((0, 0, 0, 1, 1), 12), ((0, 0, 0, 1, 1, 1), 6)])
def test_groups_that_fit_no_label_s_share_are_taken_where_less_than_half_of_what_is_wanted_fits(first, taken):
    # 12 are wanted, six of each label: of the groups that fits the first one, and then, where needed, one of seven.
    labels = [first, *[(0,) * 7] * 4, *[(1,) * 7] * 4]
    rows = [
        TextExample(f"{n}-{k}", unlike(10 * n + k), label, group=f"g{n}")
        for n, group in enumerate(labels)
        for k, label in enumerate(group)
    ]
    splits, _ = separated({"train": rows, "validation": examples(300)[290:]})
    assert len(splits["test"]) == taken


def test_of_labels_with_two_examples_each_one_may_be_taken():
    splits, _ = separated({"train": examples(50, labels=25)})
    assert sizes(splits) == {"train": 35, "test": 10, "validation": 5}
    assert {one.target for one in splits["train"]} == set(range(25))


def test_of_a_large_group_and_a_single_row_that_must_stay_the_group_is_the_reason_that_nothing_can_be_carved():
    rows = [*examples(50, group_size=50), TextExample("alone", unlike(50), 2)]
    with pytest.raises(UserError, match="groups too large to take test from"):
        separated({"train": rows})


def test_training_rows_that_equal_test_rows_go_however_many_there_are_and_also_where_validation_is_carved():
    test = [replace(one, id=f"t-{one.id}") for one in examples(20)]
    left_out = LeftOut()
    splits = _separated({"train": examples(35), "test": test}, left_out)
    assert sizes(splits) == {"train": 13, "test": 20, "validation": 2}
    assert left_out.dropped == {"train rows that nearly repeat validation or test": 20}
    assert left_out.notes == []


@pytest.mark.parametrize(("words", "together"), [(8, True), (7, False)])
def test_eight_words_that_pairs_share_keep_them_together(words, together):
    shared = " ".join(unlike(5_000).split()[:words])
    rows = [TextExample(str(n), unlike(n), n % 2, pair=shared if n < 20 else unlike(100 + n)) for n in range(60)]
    sides = [{one.id for one in side} for side in separated({"train": rows})[0].values()]
    assert any({str(n) for n in range(20)} <= side for side in sides) is together


def test_ten_examples_can_be_carved_and_nine_cannot():
    assert sizes(separated({"train": examples(10)})[0]) == {"train": 6, "test": 2, "validation": 2}
    with pytest.raises(UserError, match=r"9 different examples are too few to take test from \(at least 10\)"):
        separated({"train": examples(9)})


@pytest.mark.parametrize(("count", "expected"), [(8, 8), (7, 0)])
def test_half_of_a_split_may_go_as_near_repeats(count, expected):
    near = [TextExample(f"near-{n}", f"{unlike(n)} and more", n % 2) for n in range(8)]
    test = [TextExample(f"t-{n}", unlike(n), n % 2) for n in range(8)]
    others = examples(100)[50 : 50 + count]
    splits, dropped = separated({"train": [*near, *others], "validation": examples(99)[90:], "test": test})
    assert (len(splits["train"]), dropped.total()) == ((count, 8) if expected else (15, 0))


@pytest.mark.parametrize(("bound", "most"), [("MOST_COMPARED", 22), ("MOST_CHARACTERS", 100)])
@pytest.mark.parametrize("beyond", [False, True])
def test_beyond_so_many_examples_or_characters_only_equal_texts_count(bound, most, beyond, monkeypatch):
    assert (MOST_COMPARED, MOST_CHARACTERS) == (30_000, 200_000_000)  # what the guide says
    train = [TextExample("near", f"{unlike(0)} and more", 0), *examples(20)[1:]]
    given = {"train": train, "validation": examples(30)[29:], "test": examples(1)}
    if bound == "MOST_CHARACTERS":
        most = sum(len(one.text) for split in given.values() for one in split)
    monkeypatch.setattr(f"harness.data.splitting.{bound}", most - beyond)
    assert len(separated(given)[0]["train"]) == 19 + beyond


@pytest.mark.parametrize("beyond", [False, True])
def test_test_examples_that_repeat_a_training_one_are_named_part_by_part(beyond, monkeypatch):
    monkeypatch.setattr("harness.data.splitting.MOST_COMPARED", 6 - beyond)
    trained = [TextExample("a", unlike(1), 0, pair=unlike(2)), TextExample("b", unlike(3), 0, pair=unlike(4))]
    tested = [
        TextExample("near", f"{unlike(1)} and more", 0, pair=unlike(2)),
        TextExample("crossed", unlike(1), 0, pair=unlike(4)),
        TextExample("equal", unlike(3).upper(), 0, pair=unlike(4)),
        TextExample("other", unlike(5), 0, pair=unlike(6)),
    ]
    assert repeating(trained, tested) == [not beyond, False, True, False]


@pytest.mark.parametrize("fold", [None, Fold(number=2, of=5)])
def test_targets_of_one_source_are_never_divided_however_short_it_is(fold):
    sources = ["Guten Tag", "guten  tag", *(f"Wort {n // 3}" for n in range(120))]
    pairs = [SequencePair(str(n), source, unlike(n)) for n, source in enumerate(sources)]
    splits, _ = separated({"train": pairs}, fold=fold)
    assert sum(sizes(splits).values()) == len(pairs)
    sides = [{normalised(pair.source) for pair in rows} for rows in splits.values()]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 41


def test_short_targets_of_several_sources_may_be_divided():
    pairs = [SequencePair(str(n), unlike(n), "Yes.") for n in range(50)]
    splits, _ = separated({"train": pairs})
    assert sizes(splits) == {"train": 35, "validation": 5, "test": 10}
