"""Runs on a user's own files in forms other than a plain csv file, from the command line and a suite."""

import json
from pathlib import Path

import pytest
from command_line import read_record, reviews, write_csv
from file_forms import SENTENCES

from harness.errors import notice

TABLE = "review~stars\n" + "".join(f"{row['text']} – très café~{row['label']}\n" for row in reviews())


def the_record():
    (file,) = Path("runs").rglob("run.json")
    return read_record(file.parent)


@pytest.mark.slow
def test_a_separator_and_an_encoding_are_options_and_part_of_the_run(command):
    Path("data.csv").write_bytes(TABLE.encode("mac_roman"))
    flags = ("run", "--model", "majority", "--train", "data.csv", "--text", "review", "--label", "stars")
    assert command(*flags, "--separator", "~", "--encoding", "mac_roman").code == 0
    record = the_record()
    assert record["counts"]["examples"] == {"train": 28, "validation": 4, "test": 8}
    assert (record["config"]["local"]["separator"], record["config"]["local"]["encoding"]) == ("~", "mac_roman")
    assert (
        "--separator can't be used with --task"
        in command("run", "--model", "majority", "--task", "boolq", "--separator", "~").errors
    )


@pytest.mark.slow
def test_a_suite_names_them_too(command):
    Path("data.csv").write_bytes(TABLE.encode("mac_roman"))
    suite = (
        'tasks = ["mine"]\nmodels = ["majority"]\n[data.mine]\ntrain = "data.csv"\ntext = "review"\nlabel = "stars"\n'
        'separator = "~"\nencoding = "{}"\n'
    )
    Path("own.toml").write_text(suite.format("mac_roman"))
    assert command("run", "own.toml").code == 0
    assert the_record()["task_card"]["labels"] == ["bad", "good"]
    Path("own.toml").write_text(suite.format("mac"))
    result = command("plan", "own.toml")
    assert (result.code, "tasks: mine: encoding: Python knows no such encoding" in result.errors) == (2, True)


@pytest.mark.slow
def test_what_workers_guess_is_told_once(command):
    notice.cache_clear()
    Path("data.csv").write_text(TABLE.replace("~", ";"))
    Path("own.toml").write_text(
        'tasks = ["mine"]\nmodels = ["majority", "tfidf"]\n'
        '[data.mine]\ntrain = "data.csv"\ntext = "review"\nlabel = "stars"\n'
    )
    result = command("run", "own.toml", "--workers", "2")
    assert result.code == 0
    assert result.errors.count("data.csv: guessed separator semicolon.") == 1


@pytest.mark.slow
def test_a_folder_with_a_file_for_each_split_is_a_run_s_data(command):
    Path("data").mkdir()
    for name, start in (("train", 0), ("dev", 50), ("test", 70)):
        write_csv(Path("data") / f"{name}.csv", reviews(20, start=start))
    assert command("run", "--model", "majority", "--train", "data").code == 0
    assert the_record()["counts"]["examples"] == {"train": 20, "validation": 20, "test": 20}


@pytest.mark.slow
def test_a_column_file_needs_no_task_type(command):
    Path("ner.conll").write_text(
        "".join(SENTENCES.replace("Bern", f"Bern{n}").replace("Old", f"Old{n}") for n in range(20))
    )
    assert command("run", "--model", "majority", "--train", "ner.conll").code == 0
    assert the_record()["task_card"]["task_type"] == "token_classification"


@pytest.mark.slow
def test_a_run_on_a_folder_of_column_files_predicts_once_they_are_gone(command):
    Path("data").mkdir()
    for n in range(20):
        Path(f"data/{n}.conll").write_text(SENTENCES.replace("Bern", f"Bern{n}").replace("Old", f"Old{n}"))
    assert command("run", "--model", "majority", "--train", "data").code == 0
    assert the_record()["config"]["local"]["task_type"] == "token_classification"
    Path("data").rename("elsewhere")
    (file,) = Path("runs").rglob("run.json")
    assert json.loads(command("predict", file.parent, "--text", "Bern is old").output)["tokens"] == [
        "Bern",
        "is",
        "old",
    ]


def squad_paragraph(number):
    context = f"In {number} the film x{number} ran."
    answers = [{"text": f"x{number}", "answer_start": context.index("x")}]
    return {"context": context, "qas": [{"id": f"q{number}", "question": f"Which in {number}?", "answers": answers}]}


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, {"data": [{"paragraphs": [{"context": "Bern"}]}]}])
def test_squad_s_own_form_and_what_is_wrong_with_it(command, content):
    paragraphs = [squad_paragraph(number) for number in range(40)]
    Path("squad.json").write_text(
        json.dumps(content or {"version": "1.1", "data": [{"title": "a", "paragraphs": paragraphs}]})
    )
    result = command("run", "--model", "majority", "--train", "squad.json", "--task-type", "question_answering")
    if content is None:
        assert result.code == 0
        record = the_record()
        assert record["counts"]["dropped"] == {}
        assert sum(record["counts"]["examples"].values()) == 40
    else:
        assert result.code == 2
        assert "squad.json, article 1, paragraph 1: no list of questions under 'qas'." in result.errors
        assert not Path("runs").exists()
