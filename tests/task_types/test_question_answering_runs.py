"""Whole runs on questions: what the record says of tokens and of the way of reading, and the checkpoint after it."""

import json
from dataclasses import replace

import pytest
from command_line import read_predictions
from small_models import Silent, own_data, own_run, question_examples
from transformers import AutoModelForQuestionAnswering

from harness.models.pointer_head import NOTE
from harness.record import read_record
from harness.runs.content import model_files, weights_fingerprint
from harness.runs.execution import Options, execute
from harness.runs.predict import predict_rows
from harness.task_types.question_answering.examples import Answer


def parts_of_words(count, seed):
    """Examples whose answer is a part of a word, which is no token."""
    examples = question_examples(count, seed=seed)
    return [replace(one, answers=(Answer(one.answers[0].text[1:-1], one.answers[0].start + 1),)) for one in examples]


def finished(tmp_path, checkpoint, family, examples, *, sizes=(None, 10, 10), **settings):
    own = own_data(tmp_path / "data", examples, sizes=sizes)
    run = own_run(tmp_path / "runs", own, checkpoint, family=family, **{"maximum_steps": 2, **settings})
    record = execute(run, Options(), Silent())
    assert record.status == "complete"
    return run, record


@pytest.mark.slow
def test_the_record_says_which_share_of_the_answers_the_tokens_do_not_spell(checkpoints, tmp_path):
    examples = [
        *question_examples(30),
        *parts_of_words(10, seed=1),
        *question_examples(9, seed=3),
        *parts_of_words(11, seed=2),
    ]
    examples += question_examples(10, seed=4, unanswerable=10)
    run, record = finished(tmp_path, checkpoints["bert"], "bert", examples, sizes=(None, 20, 10))
    assert record.counts.unreachable_answers == {"train": 0.25, "validation": 11 / 20}  # the test split has no answers
    assert read_record(run.folder / "run.json") == record
    assert NOTE not in record.notes


@pytest.mark.slow
def test_a_record_of_an_earlier_version_is_read(checkpoints, tmp_path):
    run, record = finished(tmp_path, checkpoints["bert"], "bert", question_examples(40))
    file = run.folder / "run.json"
    content = json.loads(file.read_text())
    del content["sha256"]  # Of another content.
    assert content["counts"].pop("unreachable_answers") == {"train": 0.0, "validation": 0.0, "test": 0.0}
    file.write_text(json.dumps(content))
    assert read_record(file).counts == record.counts.model_copy(update={"unreachable_answers": {}})


@pytest.mark.slow
def test_a_tokenizer_of_bytes_answers_questions_although_it_gives_no_offsets(checkpoints, tmp_path):
    (tmp_path / "bytes").mkdir()
    # ByT5's reads bytes; transformers has it in Python only. It needs no vocabulary: the file stands for one.
    (tmp_path / "bytes" / "vocab.txt").touch()
    (tmp_path / "bytes" / "tokenizer_config.json").write_text('{"tokenizer_class": "ByT5Tokenizer"}')
    settings = {"init": "random", "tokenizer": str(tmp_path / "bytes"), "architecture": {"vocab_size": 400}}
    own = own_data(tmp_path / "data", question_examples(30, words=6), sizes=(None, 10, 10))
    run = own_run(tmp_path / "runs", own, checkpoints["bert"], maximum_steps=2)
    model = run.config.model.model_copy(update=settings)
    content = {"weights": weights_fingerprint(model), "files": model_files(model)}
    run = replace(run, config=run.config.model_copy(update={"model": model, **content}))
    record = execute(run, Options(), Silent())
    assert record.status == "complete"
    assert record.counts.unreachable_answers == {"train": 0.0, "validation": 0.0, "test": 0.0}


@pytest.mark.slow
@pytest.mark.parametrize("repeat", [False, True], ids=["once", "repeated"])
@pytest.mark.parametrize("strategy", ["segment_recurrence", "independent_segments"])
@pytest.mark.parametrize("family", ["transformer_xl", "xlnet"])
def test_a_run_over_segments_points_and_its_checkpoint_gives_the_same_answers(
    family, strategy, repeat, checkpoints, tmp_path
):
    examples = [*question_examples(30, words=60), *question_examples(20, seed=1, words=60, unanswerable=5)]
    settings = {"strategy": strategy, "segment": 16, "memory": 8, "repeat_question": repeat}
    run, record = finished(tmp_path, checkpoints[family], family, examples, **settings)
    assert NOTE in record.notes
    assert record.counts.tokens["test"].seen == record.counts.tokens["test"].total
    model = AutoModelForQuestionAnswering.from_pretrained(run.folder / "checkpoint")
    assert hasattr(model, "pointer")

    recorded = read_predictions(run.folder)
    rows = [{"question": example.question, "context": example.context} for example in examples[-10:]]
    again = predict_rows(run.folder, rows)
    assert [(row["start"], row["end"]) for row in again] == [(row["start"], row["end"]) for row in recorded]
    assert [row["score"] for row in again] == pytest.approx([row["score"] for row in recorded], abs=1e-5)
