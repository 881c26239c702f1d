"""Evaluation examples are cut out of the texts, as little as can be and as much as must be, and that is proven."""

from random import Random

import numpy as np
import pytest
from made_texts import documents, prepare, sentence, write_documents

from harness.data.custom import custom_task
from harness.errors import UserError
from harness.pretraining.contamination_audit import audit
from harness.pretraining.decontamination import without_shared_runs
from harness.pretraining.document_store import TextWriter, read_document_store
from harness.pretraining.overlap import evaluation_ngrams, word_hashes
from harness.task_types.question_answering.examples import Answer, QuestionExample
from harness.task_types.texts import TextExample

EXAMPLES = documents(30, sentences=3, seed=7)


class Registry:
    """One task, on files."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for split, texts in (("train", EXAMPLES[:10]), ("validation", EXAMPLES[10:20]), ("test", EXAMPLES[20:])):
            rows = "".join(f"{text}\t{'ab'[number % 2]}\n" for number, text in enumerate(texts))
            (folder / f"{split}.tsv").write_text("text\tlabel\n" + rows)

    def names(self):
        return ["reviews"]

    def load(self, name):
        assert name == "reviews"
        return custom_task(**{split: self.folder / f"{split}.tsv" for split in ("train", "validation", "test")})


@pytest.fixture(autouse=True)
def tasks(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("harness.pretraining.decontamination.TASKS", Registry(tmp_path / "task"))


def words_of(found):
    files = [found.training, *found.held_out.values()]
    texts = [found.tokenizer.decode(file.document(place)) for file in files for place in range(file.document_count)]
    return " ".join(texts)


@pytest.mark.slow
@pytest.mark.parametrize("exclude", [None, ("reviews",)])
def test_a_planted_passage_goes_alone_and_a_document_made_of_one_goes_whole(tmp_path, exclude):
    long, others = documents(30, sentences=40), documents(5, sentences=3, seed=3)
    middle = long[0].index(". ") + 2
    long[0] = long[0][:middle] + EXAMPLES[12] + " " + long[0][middle:]
    write_documents(tmp_path / "texts.txt", [*long, EXAMPLES[25].upper(), *others, EXAMPLES[3]])
    found = prepare({"files": ["texts.txt"], "exclude_tasks": exclude}, {}, tmp_path)
    kept = words_of(found)
    assert EXAMPLES[12] not in kept
    assert long[0][:middle].strip() in kept
    assert long[0][-300:] in kept
    assert EXAMPLES[25].upper() not in kept
    assert EXAMPLES[3] in kept  # A training example is no secret.
    told = found.report["exclusion"]["reviews"]
    assert told == {
        "examples": 20, "examples_too_short": 0, "sentences_cut": 3, "documents_left_out": 1, "words_still_shared": 0
    }  # fmt: skip


def test_no_task_is_looked_for_where_none_is_asked_for(tmp_path):
    write_documents(tmp_path / "texts.txt", [*documents(30), EXAMPLES[12]])
    found = prepare({"files": ["texts.txt"], "exclude_tasks": ()}, {}, tmp_path)
    assert EXAMPLES[12] in words_of(found)
    assert found.report["exclusion"] == {}


def test_texts_of_nothing_but_examples_are_refused(tmp_path):
    write_documents(tmp_path / "texts.txt", EXAMPLES[10:])
    with pytest.raises(UserError, match=r"no document is left \(of 20: .*with examples: 20 for reviews"):
        prepare({"files": ["texts.txt"], "exclude_tasks": None}, {}, tmp_path)


def test_an_unknown_task_is_told(tmp_path):
    write_documents(tmp_path / "texts.txt", documents(20))
    with pytest.raises(UserError, match=r"exclude_tasks: 'review': no such task. Did you mean reviews"):
        prepare({"files": ["texts.txt"], "exclude_tasks": ("review",)}, {}, tmp_path)


def test_a_task_whose_data_is_not_there_is_told_where_it_was_named_and_in_the_report_elsewhere(tmp_path, monkeypatch):
    def missing(_):
        raise UserError("reviews 1.0: not installed.")

    monkeypatch.setattr("harness.data.sources.Files.fingerprint", missing)
    write_documents(tmp_path / "texts.txt", documents(20))
    found = prepare({"files": ["texts.txt"], "exclude_tasks": None}, {}, tmp_path)
    assert found.report["not_looked_for"] == {"reviews": "reviews 1.0: not installed."}
    with pytest.raises(UserError, match=r"exclude_tasks: reviews: reviews 1\.0: not installed"):
        prepare({"files": ["texts.txt"], "exclude_tasks": ("reviews",)}, {}, tmp_path)


def cut(pieces, example):
    ngrams = evaluation_ngrams([("reviews", [(example,)])])
    found = without_shared_runs(pieces, [word_hashes(piece) for piece in pieces], ngrams)
    return found, ngrams


def test_a_run_that_a_cut_itself_brings_together_is_cut_as_well():
    random = Random(1)
    pieces = [" " + sentence(random) for _ in range(200)]
    joined = pieces[50] + pieces[52]  # Eighteen words, which meet once piece 51 is gone.
    ngrams = evaluation_ngrams([("reviews", [(pieces[51],), (joined,)])])
    found = without_shared_runs(pieces, [word_hashes(piece) for piece in pieces], ngrams)
    assert found.text == "".join(pieces[:50] + pieces[53:]).strip()
    assert not (ngrams.owners_at(word_hashes(found.text)) >= 0).any()


def test_a_document_goes_whole_where_over_a_tenth_of_its_words_is_shared():
    random = Random(2)
    pieces = [" " + sentence(random) for _ in range(30)]
    few, _ = cut(pieces, "".join(pieces[:3]))
    many, _ = cut(pieces, "".join(pieces[:4]))
    assert few.text == "".join(pieces[3:]).strip()
    assert (many.text, set(many.owners)) == (None, {"reviews"})


def test_a_text_without_stops_loses_the_piece_with_the_run_not_all_of_it():
    random = Random(3)
    pieces = [sentence(random, words=60).removesuffix(".").lower() for _ in range(5)]
    found, _ = cut(pieces, " ".join(pieces[2].split()[:20]))
    assert found.text == "".join(pieces[:2] + pieces[3:])


def test_what_was_left_by_mistake_would_be_found(tmp_path):
    from rich.console import Console

    with TextWriter(tmp_path / "0", share=0.5, seed=0) as writer:
        for text in [*documents(20), f"Before. {EXAMPLES[0]}"]:
            writer.write(text, identity=text)
    ngrams = evaluation_ngrams([("reviews", [(EXAMPLES[0],)])])
    audited = audit({"files": read_document_store(tmp_path / "0")}, ngrams, Console())
    assert audited.excluded == {"reviews": len(EXAMPLES[0].split())}


def test_all_that_an_example_says_is_looked_for():
    question = QuestionExample("1", "who", "context", (Answer("one", 0), Answer("two", 4)))
    assert question.every_text == ("who", "context", "one", "two")
    assert TextExample("1", "text", 0, pair="pair").every_text == ("text", "pair")


def test_a_run_across_two_sentences_takes_both():
    random = Random(4)
    pieces = [" " + sentence(random) for _ in range(60)]
    run = " ".join((pieces[7] + pieces[8]).split()[3:17])
    found, ngrams = cut(pieces, run)
    assert found.text == "".join(pieces[:7] + pieces[9:]).strip()
    assert np.count_nonzero(ngrams.owners_at(word_hashes("".join(pieces))) >= 0) == 14
