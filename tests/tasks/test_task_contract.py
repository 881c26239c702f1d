"""What holds of every registered task. The slow half loads the data of those that need no network."""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache

import pytest
from choice_cards import CARDS as CHOICE_CARDS
from choice_cards import choice_features, choice_row

from harness.data.downloads import Download
from harness.data.duplicates import LEAST_TELLING_WORDS, MOST_SHARERS
from harness.data.loading import load_splits
from harness.data.sources import Generated, Hub, Packaged
from harness.errors import UserError
from harness.metrics.lookup import find_metric
from harness.registry import TASK_TYPES, TASKS
from harness.task_types.language_modelling import DocumentExample
from harness.task_types.multiple_choice.examples import ChoiceExample
from harness.task_types.question_answering.examples import QuestionExample
from harness.task_types.sequence_to_sequence.examples import SequencePair
from harness.task_types.texts import TextExample
from harness.task_types.token_classification.examples import TaggedSentence

ALL = {name: TASKS.load(name) for name in TASKS.names()}
HUB = [name for name, task in ALL.items() if isinstance(task.source, Hub)]
PACKAGED = [name for name, task in ALL.items() if isinstance(task.source, Packaged)]
DOWNLOADED = [name for name, task in ALL.items() if isinstance(task.source, Download)]
LOCAL = [name for name, task in ALL.items() if isinstance(task.source, Packaged | Generated)]
# Splits made by us: no group and no near-duplicate part crosses them.
CARVED = {
    *("rotten_tomatoes", "boolq", "word_pleasantness", "quac_spans", "narrative_qa", "disfl_qa"),
    *("siqa_dev", "german_strings", "french_strings", "spanish_strings"),
}
SPLITS = ("train", "validation", "test")

# Columns and label names, as the data sets' cards on the Hub give them.
GLUE_PAIR = ("sentence1", "sentence2")
NLI = ("entailment", "neutral", "contradiction")
UPOS = (
    *("NOUN", "PUNCT", "ADP", "NUM", "SYM", "SCONJ", "ADJ", "PART", "DET", "CCONJ", "PROPN", "PRON", "X", "_"),
    *("ADV", "INTJ", "VERB", "AUX"),
)
CARDS = {
    "cola": (("sentence",), "label", ("unacceptable", "acceptable")),
    "sst2": (("sentence",), "label", ("negative", "positive")),
    "mrpc": (GLUE_PAIR, "label", ("not_equivalent", "equivalent")),
    "qqp": (("question1", "question2"), "label", ("not_duplicate", "duplicate")),
    "stsb": (GLUE_PAIR, "label", None),
    "mnli": (("premise", "hypothesis"), "label", NLI),
    "mnli_mismatched": (("premise", "hypothesis"), "label", NLI),
    "qnli": (("question", "sentence"), "label", ("entailment", "not_entailment")),
    "rte": (GLUE_PAIR, "label", ("entailment", "not_entailment")),
    "wnli": (GLUE_PAIR, "label", ("not_entailment", "entailment")),
    "ag_news": (("text",), "label", ("World", "Sports", "Business", "Sci/Tech")),
    "imdb": (("text",), "label", ("neg", "pos")),
    "hyperpartisan": (("text",), "label", "true false"),
    "scotus": (("text",), "label", tuple(str(area) for area in range(1, 14))),
    "ecthr_a": (("text",), "labels", ("2", "3", "5", "6", "8", "9", "10", "11", "14", "P1-1")),
    "squad": (("question", "context"), "answers", None),
    "squad_v2": (("question", "context"), "answers", None),
    "wikitext_103": (("text",), None, None),
    "conll2003": (("tokens",), "ner_tags", ("O", *(f"{p}-{t}" for t in ("PER", "ORG", "LOC", "MISC") for p in "BI"))),
    "ud_english_tags": (("tokens",), "upos", UPOS),
    "wmt16_german_english": (("translation",), "translation", None),
    "opus_books_german_english": (("translation",), "translation", None),
    "cnn_dailymail": (("article", "highlights"), None, None),
    "xsum": (("document", "summary"), None, None),
}
UNPINNED = {"hyperpartisan"}
SMALL = 40


def test_there_are_tasks_of_every_task_type_and_source():
    assert {task.task_type for task in ALL.values()} == set(TASK_TYPES.names())
    assert len(HUB) + len(DOWNLOADED) + len(LOCAL) == len(ALL)
    assert DOWNLOADED
    assert HUB
    assert LOCAL
    assert set(HUB) == {*CARDS, *CHOICE_CARDS}
    assert set(LOCAL) > set(PACKAGED) > CARVED


@pytest.mark.parametrize("name", ALL)
def test_a_task_has_metrics_that_judge_its_task_type_and_says_whose_data_it_is(name):
    task = ALL[name]
    assert task.metrics
    assert all(find_metric(metric) in task.type.metrics for metric in task.metrics)
    assert task.licence
    assert task.citation
    assert all(1 <= len(task.columns_of(role)) <= column.most for role, column in task.type.columns.items())
    assert len(set(task.labels)) == len(task.labels)
    assert "f1" not in task.metrics or len(task.labels) == 2


@pytest.mark.parametrize("name", ALL)
def test_a_tasks_file_opens_with_what_it_is(name):
    first = TASKS.entry(name).file.read_text(encoding="utf-8").split("\n")[0]
    assert first.startswith('"""')
    assert "?" in first


def test_what_is_generated_for_a_task_has_a_fingerprint_of_its_own():
    generated = [task.source for task in ALL.values() if isinstance(task.source, Generated)]
    assert len({source.fingerprint() for source in generated}) == len(generated) > 1


@pytest.mark.parametrize("name", HUB)
def test_a_hub_task_is_pinned_by_commit_or_its_records_and_file_say_that_it_is_not(name):
    source = ALL[name].source
    told = "pinned" in TASKS.entry(name).file.read_text(encoding="utf-8")
    assert bool(list(source.notes())) == told == (name in UNPINNED)


@pytest.mark.parametrize("name", HUB)
def test_without_a_network_a_hub_task_says_so(name):
    with pytest.raises(UserError, match="the data is not available"):
        load_splits(ALL[name])


@pytest.mark.slow_but_first
@pytest.mark.parametrize("name", HUB)
def test_a_hub_task_reads_the_columns_and_labels_of_its_card(name, tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    task = ALL[name]
    write_like_the_card(name, tmp_path / "data", sorted(set(task.source.splits.values())))
    splits = load_splits(replace(task, source=replace(task.source, path=str(tmp_path), config=None, revision=None)))
    assert_valid(splits, task.task_type)
    if task.task_type == "classification":
        names = sorted(CARDS[name][2].split()) if isinstance(CARDS[name][2], str) else CARDS[name][2]
        assert sorted(splits.labels) == sorted(names)
        # Each text says which label its row has on the card.
        assert all(f"is {splits.labels[one.target]} " in f"{one.text} " for one in everything(splits))
    if task.task_type == "token_classification":
        assert set(splits.labels) <= set(CARDS[name][2])
        for one in everything(splits):
            assert [word.split(":")[0] for word in one.words] == [splits.labels[tag] for tag in one.tags]
    if task.task_type == "multiple_choice":
        assert all(one.choices[one.right].startswith("right") for one in everything(splits))
        assert {one.right for one in splits.train} == set(range(CHOICE_CARDS[name][2]))
    if task.task_type == "multi_label":
        assert any(not one.target for one in everything(splits))


def write_like_the_card(name, folder, splits):
    """A small data set with the columns, types and label names of the real one."""
    from datasets import ClassLabel, Dataset, Features, Sequence, Value

    folder.mkdir()
    if name in CHOICE_CARDS:
        for split in splits:
            rows = [choice_row(name, split, number) for number in range(SMALL)]
            made = Dataset.from_list(rows, features=Features(choice_features(name)))
            made.to_parquet(folder / f"{split}-00000-of-00001.parquet")
        return
    texts, target, names = CARDS[name]
    features = {column: Value("string") for column in texts}
    if target == "answers":
        features |= {"id": Value("string"), "title": Value("string")}
        features["answers"] = Sequence({"text": Value("string"), "answer_start": Value("int32")})
    elif target == "translation":
        features = {target: {language: Value("string") for language in ("de", "en")}}
    elif texts == ("tokens",):
        features = {"tokens": Sequence(Value("string")), target: Sequence(ClassLabel(names=names))}
    elif names is None:
        features |= {target: Value("float32")} if target else {}
    elif isinstance(names, str):
        features[target] = Value("string")
    else:
        features[target] = Sequence(ClassLabel(names=names)) if target == "labels" else ClassLabel(names=names)
    if name == "ecthr_a":
        features["text"] = Sequence(Value("string"))
    for split in splits:
        rows = [card_row(name, split, number) for number in range(SMALL)]
        Dataset.from_list(rows, features=Features(features)).to_parquet(folder / f"{split}-00000-of-00001.parquet")


def card_row(name, split, number):
    if name == "wikitext_103":
        lines = ("", f" = {split} {number // 4} = \n", "", f" {split} {number} @-@ <unk> . \n")
        return {"text": lines[number % 4]}
    texts, target, names = CARDS[name]
    words = f"{split}{number} one{number} two{number}"
    if target == "answers":
        answers = {"text": ["one"], "answer_start": [len(f"{split}{number} ")]}
        none = {"text": [], "answer_start": []}
        given = none if name == "squad_v2" and number % 3 == 0 else answers
        return {"question": f"q {words}", "context": words, "answers": given, "id": words, "title": f"t{number}"}
    if target == "translation":
        return {target: {"de": f"Satz {words}", "en": f"sentence {words}"}}
    if texts == ("tokens",):  # each word says its tag
        tags = range(len(names))
        return {"tokens": [f"{names[tag]}:{split}{number}" for tag in tags], target: list(tags)}
    if names is None:
        return dict.fromkeys(texts, words) | ({target: number / 8} if target else {})
    known = names.split() if isinstance(names, str) else names
    label = number % len(known)
    row = {column: f"{column} {words} is {known[label]}" for column in texts}
    if name == "ecthr_a":
        return {"text": [words, "second paragraph"], "labels": [label] if number % 4 else []}
    return row | {target: known[label] if isinstance(names, str) else label}


def everything(splits):
    return [*splits.train, *splits.validation, *splits.test]


def assert_valid(splits, task_type):
    for split in SPLITS:
        examples = getattr(splits, split)
        assert examples, split
        assert len({one.id for one in examples}) == len(examples)
        for one in examples:
            assert_valid_example(one, task_type, splits.labels, split)


def assert_valid_example(one, task_type, labels, split):
    if task_type == "question_answering":
        assert isinstance(one, QuestionExample)
        assert one.question
        placed = [answer for answer in one.answers if answer.start >= 0]
        assert all(one.context[answer.start :].startswith(answer.text) for answer in placed)
        assert split != "train" or len(placed) == len(one.answers)
        return
    if task_type == "language_modelling":
        assert isinstance(one, DocumentExample)
        assert one.text.strip()
        return
    if task_type == "multiple_choice":
        assert isinstance(one, ChoiceExample)
        assert 0 <= one.right < len(one.choices) >= 2
        assert all(choice.strip() for choice in one.choices)
        return
    if task_type == "token_classification":
        assert isinstance(one, TaggedSentence)
        assert len(one.words) == len(one.tags) > 0
        assert all(0 <= tag < len(labels) for tag in one.tags)
        return
    if task_type == "sequence_to_sequence":
        assert isinstance(one, SequencePair)
        assert one.source.strip()
        assert one.target.strip()
        return
    assert isinstance(one, TextExample)
    targets = one.target if isinstance(one.target, tuple) else (one.target,)
    if task_type == "regression":
        assert isinstance(one.target, float)
    else:
        assert all(isinstance(target, int) and 0 <= target < len(labels) for target in targets)


@cache
def loaded(name):
    return load_splits(ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LOCAL)
def test_the_data_that_needs_no_network_is_valid_on_every_side(name):
    splits = loaded(name)
    assert_valid(splits, ALL[name].task_type)
    assert {split: len(rows) for split, rows in ALL[name].source.rows().items()} == ALL[name].examples
    if ALL[name].task_type == "language_modelling":
        assert sum(len(one.text.split()) for one in splits.test) >= 50_000
    elif ALL[name].task_type == "token_classification":
        assert sum(len(one.words) for one in splits.test) >= 900
    elif ALL[name].task_type == "multiple_choice":
        assert len(splits.test) >= 90
    else:
        assert len(splits.test) >= 150
    if ALL[name].task_type == "classification":
        for split in SPLITS:
            assert {one.target for one in getattr(splits, split)} == set(range(len(splits.labels))), split


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(CARVED))
def test_no_group_is_on_two_sides_of_a_carved_task(name):
    sides = defaultdict(set)
    for split in SPLITS:
        for one in getattr(loaded(name), split):
            assert one.group
            sides[one.group].add(split)
    assert {len(found) for found in sides.values()} == {1}


@pytest.mark.slow
@pytest.mark.parametrize("name", PACKAGED)
def test_no_text_that_judges_is_mostly_in_another_split(name):
    splits = loaded(name)
    leaks = leaking(splits.test, [*splits.train, *splits.validation], whole=name not in CARVED)
    leaks += leaking(splits.validation, splits.train, whole=name not in CARVED)
    assert leaks == []


def leaking(judging, others, *, whole):
    """Judging examples with a part (`whole`: all parts) at least half of whose eight-word runs are in one other.

    Written apart from `harness.data.duplicates`, as a check of it: plain sets of strings instead of hashes and
    clusters. Runs that many texts have are formulas of their kind and show no copying.
    """
    texts = {part: runs(part) for one in (*judging, *others) for part in one.parts}
    held = Counter(run for own in texts.values() for run in own)
    holders = defaultdict(set)
    for number, one in enumerate(others):
        for part in one.parts:
            for run in texts[part]:
                if held[run] <= MOST_SHARERS:
                    holders[run].add(number)
    quantify = all if whole else any
    return [one.id for one in judging if quantify([_repeated(part, holders) for part in one.parts])]


def _repeated(part, holders):
    own = runs(part)
    shared = Counter(number for run in own for number in holders.get(run, ()))
    return len(own) >= LEAST_TELLING_WORDS and max(shared.values(), default=0) >= len(own) / 2


def runs(text):
    cleaned = "".join(letter if letter.isalnum() or letter == "_" else " " for letter in text.casefold())
    words = cleaned.split()
    return {" ".join(words[start : start + 8]) for start in range(len(words) - 7)}
