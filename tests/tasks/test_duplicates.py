"""Which texts count as the same or nearly the same."""

from random import Random

import pytest

from harness.data.duplicates import near_duplicates

WORDS = [f"word{n}" for n in range(5_000)]


def text(seed, length):
    return " ".join(Random(seed).choices(WORDS, k=length))


def together(one, other, **settings):
    first, second = near_duplicates([one, other], **settings)
    return first == second


@pytest.mark.parametrize(("one", "other"), [("Good film", "good  FILM\n"), ("ﬁne", "fine"), ("", " ")])
def test_case_spacing_and_unicode_form_make_no_difference(one, other):
    assert together(one, other)


def test_punctuation_counts_in_short_texts_only():
    assert not together("Good :)", "Good :(")
    assert together(text(1, 8), text(1, 8).replace(" ", ", ") + "!")


def test_texts_that_share_no_shingle_stay_apart():
    assert near_duplicates([text(seed, 100) for seed in range(20)]) == list(range(20))


@pytest.mark.parametrize(("shared", "expected"), [(60, True), (50, True), (49, False), (40, False)])
@pytest.mark.parametrize("rest", [70, 400])
def test_at_least_half_of_the_shorter_texts_shingles_must_be_shared(shared, expected, rest):
    # 107 words have 100 shingles; a copied run of n + 7 words has n of them.
    one = text(1, 107)
    copied = " ".join(one.split()[: shared + 7])
    assert together(one, f"{copied} {text(2, rest)}") is expected


def test_a_short_text_within_a_long_one_is_its_near_duplicate():
    long = text(1, 1_000)
    assert together(" ".join(long.split()[300:340]), long)


def test_fewer_than_eight_shingles_are_no_evidence():
    long = text(1, 1_000)
    assert not together(" ".join(long.split()[300:314]), long)
    assert together(" ".join(long.split()[300:315]), long)


def test_shingles_do_not_run_from_one_text_into_the_next():
    pieces = text(1, 40).split()
    halves = [" ".join(pieces[:20]), " ".join(pieces[20:])]
    assert near_duplicates([*halves, " ".join([*pieces[10:20], *pieces[20:30], *text(2, 60).split()])]) == [0, 1, 2]


def test_many_copies_with_small_changes_are_one_cluster():
    base = text(1, 60).split()
    copies = [" ".join([*base[:place], "changed", *base[place + 1 :]]) for place in range(40)]
    assert set(near_duplicates(copies)) == {0}


@pytest.mark.parametrize("own", [4, 20, 60])
@pytest.mark.parametrize("sharers", [9, 40])
def test_a_footer_that_more_than_eight_texts_share_is_no_evidence(own, sharers):
    mails = [f"{text(seed, own)} {text(1_000, 80)}" for seed in range(sharers)]
    assert near_duplicates(mails) == list(range(sharers))


def test_a_footer_that_eight_texts_share_is_evidence():
    assert set(near_duplicates([f"{text(seed, 20)} {text(1_000, 80)}" for seed in range(8)])) == {0}


@pytest.mark.parametrize(("sharers", "joined"), [(8, 8), (9, 3)])
def test_a_passage_of_more_than_eight_texts_counts_between_neighbours_alone(sharers, joined):
    # It makes up more than half of two short texts; the second one's other neighbour is a long one.
    mails = [f"{text(seed, 8 if seed < 2 else 100)} {text(1_000, 19)}" for seed in range(sharers)]
    assert near_duplicates(mails) == [*[0] * joined, *range(joined, sharers)]


def test_what_eight_texts_share_is_evidence_beside_a_footer_of_more():
    mails = [f"{text(seed, 20)} {text(1_000, 80)}" for seed in range(9)]
    letters = [f"{text(seed, 20)} {text(2_000, 80)}" for seed in range(9, 17)]
    assert near_duplicates([*mails, *letters]) == [*range(9), *[9] * 8]


@pytest.mark.parametrize(("own", "changed", "cluster"), [(20, (7, 13), 3), (20, (7, 10, 13), 4), (21, (7, 13), 4)])
def test_texts_half_of_which_are_passages_of_many_are_copies_where_they_differ_in_two_words(own, changed, cluster):
    # The changes leave no eight words of its own as they were.
    copy = " ".join("changed" if place in changed else word for place, word in enumerate(text(3, own).split()))
    mails = [f"{text(seed, own)} {text(1_000, 20)}" for seed in range(20)]
    short = [f"{text(seed, 4)} {text(1_000, 20)}" for seed in range(20, 40)]
    assert near_duplicates([*mails[:4], f"{copy} {text(1_000, 20)}", *mails[4:], *short])[:6] == [
        0,
        1,
        2,
        3,
        cluster,
        5,
    ]


@pytest.mark.parametrize(("more", "copies"), [(2, True), (3, False)])
def test_words_that_only_one_of_two_texts_has_tell_them_apart(more, copies):
    # The footer is most of each, so that no more than two words may differ.
    mails = [f"{text(seed, 4)} {text(1_000, 20)}" for seed in range(20)]
    found = near_duplicates([*mails[:4], f"{mails[3]} {text(2_000, more)}", *mails[4:]])
    assert found == [0, 1, 2, 3, 3 if copies else 4, *range(5, 21)]


def test_a_footer_hides_no_copy_of_what_stands_above_it():
    mails = [f"{text(seed, 40)} {text(1_000, 80)}" for seed in range(20)]
    assert near_duplicates([*mails, f"{text(3, 40)} {text(2_000, 60)}"]) == [*range(20), 3]


def test_eight_shingles_above_a_footer_are_enough():
    mails = [f"{text(seed, 15)} {text(1_000, 80)}" for seed in range(20)]
    assert near_duplicates([*mails, f"{text(3, 15)} {text(2_000, 60)}"]) == [*range(20), 3]


@pytest.mark.parametrize(("sharers", "clusters"), [(12, 1), (13, 13)])
def test_a_hundredth_of_the_texts_may_repeat_each_other_and_no_more_are_taken_for_repeats(sharers, clusters):
    mails = [f"{text(seed, 20)} {text(1_000, 80)}" for seed in range(sharers)]
    others = [text(seed, 20) for seed in range(3_000, 4_200 - sharers)]
    assert len(set(near_duplicates([*mails, *others])[:sharers])) == clusters


@pytest.mark.parametrize(("changed", "clusters"), [(2, 1), (3, 12)])
def test_many_copies_may_differ_in_a_hundredth_of_their_words(changed, clusters):
    # Each two differ in what either has changed: 4 or 6 of 400 words.
    base, copies = text(1, 400).split(), []
    for seed in range(12):
        words, places = list(base), Random(seed).sample(range(400), changed)
        for place in places:
            words[place] = f"own{seed}x{place}"
        copies.append(" ".join(words))
    assert len(set(near_duplicates(copies))) == clusters


def test_a_passage_that_a_text_says_again_and_again_counts_once():
    passage = text(1, 12)
    chant = " ".join([passage] * 10)  # twelve different shingles, five of which are in the passage said once
    assert not together(chant, f"{passage} {text(2, 200)}")
    assert together(chant, f"{passage} {passage} {text(2, 200)}")


def test_a_template_is_no_evidence_where_its_gaps_are_filled_otherwise():
    parts = [text(seed, 20) for seed in range(2_000, 2_004)]
    filled = [" ".join(f"{part} {text(10 * seed + n, 1)}" for n, part in enumerate(parts)) for seed in range(30)]
    assert near_duplicates(filled) == list(range(30))


def test_very_large_sets_compare_whole_texts_only():
    long = text(1, 1_000)
    assert not together(" ".join(long.split()[300:340]), long, exact_only=True)
    assert together(long, long.upper(), exact_only=True)


def test_no_texts_have_no_clusters():
    assert near_duplicates([]) == []
