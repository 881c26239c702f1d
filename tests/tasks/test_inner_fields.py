"""Columns that are fields inside of objects, named by a path with dots."""

import json

import pytest
from command_line import write_jsonl

from harness.config.run import LocalData
from harness.data.custom import custom_task
from harness.data.files import read_rows
from harness.data.guessing import guessed
from harness.data.inner_fields import field_paths, inner_fields
from harness.data.loading import load_splits
from harness.data.placed_rows import column_problem, flattened
from harness.errors import UserError
from harness.runs.predict import examples_of


def nested_reviews(count=40):
    texts = [f"film number {n} was {'good' if n % 2 else 'bad'}" for n in range(count)]
    return [{"review": {"text": text, "verdict": {"stars": n % 2}}, "film": n % 9} for n, text in enumerate(texts)]


def nested_questions(count=12):
    contexts = [f"x{n} came before day {n}, and x{n} came again" for n in range(count)]
    return [
        {
            "asked": {"question": f"what came before day {n}?"},
            "context": context,
            "answers": [{"text": f"x{n}", "answer_start": context.rindex(f"x{n} ")}],
        }
        for n, context in enumerate(contexts)
    ]


@pytest.mark.parametrize(
    ("row", "path", "field"),
    [
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a": {"b.c": 1, "b": {"c": 2}}}, "a.b.c", 1),
        ({"a.b": {"c": 1}, "a": {"b": {"c": 2}}}, "a.b.c", 1),
        ({"a.b": {"x": 1}, "a": {"b": {"c": 2}}}, "a.b.c", 2),
        ({"a": [{"b": 1}, {"c": 2}, None]}, "a.b", [1, None, None]),
        ({"a": []}, "a.b", []),
        ({"a": None}, "a.b", None),
    ],
)
def test_a_path_leads_to_a_field_inside_of_objects(row, path, field):
    assert inner_fields(row, [path]) == {path: field}


@pytest.mark.parametrize("row", [{"a": {"c": 1}}, {"a": "b"}, {"a": ["b"]}, {"a": 3}, {}, {"a": [[{"c": 1}]]}])
def test_a_path_to_nothing_has_no_field(row):
    assert inner_fields(row, ["a.b"]) == {}


def test_a_column_whose_name_has_a_dot_keeps_its_meaning():
    assert inner_fields({"a.b": 1, "a": {"b": 2}}, ["a.b"]) == {}


def test_the_paths_of_a_row_lead_to_its_fields():
    row = {"id": 1, "a": {"b": {"c": 1}, "d": {}}, "e": [{"f": 2}], "g": [], "a.b.c": 3}
    assert field_paths(row) == ["id", "a.b.c", "a.d", "e", "e.f", "g"]
    assert flattened(row) == {"id": 1, "a.b.c": 3, "a.d": {}, "e": [{"f": 2}], "e.f": [2], "g": []}
    assert flattened({"a": 1}) == {"a": 1}


def test_a_task_reads_fields_inside_of_objects_with_their_groups_and_places(tmp_path):
    file = write_jsonl(tmp_path / "train.jsonl", nested_reviews())
    columns = {"text": "review.text", "label": "review.verdict.stars"}
    splits = load_splits(LocalData(train=str(file), **columns, group="film").task())
    assert splits.labels == ("0", "1")
    assert {example.text for split in (splits.train, splits.validation, splits.test) for example in split} == {
        row["review"]["text"] for row in nested_reviews()
    }
    assert not {example.group for example in splits.train} & {example.group for example in splits.test}
    write_jsonl(file, [*nested_reviews(), {"review": None, "film": 1}])
    with pytest.raises(UserError, match=r"line 41\): review.verdict.stars: no label \(got None\)"):
        load_splits(LocalData(train=str(file), **columns).task())


def test_structs_of_a_parquet_file_are_objects_too(tmp_path):
    import pyarrow
    from pyarrow import parquet

    rows = [{"translation": {"de": f"das Haus {n}", "en": f"the house {n}"}} for n in range(12)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "train.parquet")
    named = {"source": ["translation.de"], "target": ["translation.en"]}
    (example, *_) = load_splits(custom_task(train=tmp_path / "train.parquet", columns=named)).test
    assert example.target == example.source.replace("das Haus", "the house")


def test_answers_by_their_path_keep_their_positions(tmp_path):
    file = write_jsonl(tmp_path / "train.jsonl", nested_questions())
    named = {"question": ["asked.question"], "answers": ["answers.text"]}
    splits = load_splits(custom_task(train=file, columns=named))
    assert all(answer.start > 0 for example in splits.train for answer in example.answers)
    assert not splits.dropped


def test_tags_inside_of_objects_are_read_and_judged_by_their_scheme(tmp_path):
    rows = [{"sentence": {"words": ["Bern", f"x{n}"], "tags": ["B-LOC", "O"]}} for n in range(12)]
    file = write_jsonl(tmp_path / "train.jsonl", rows)
    task = custom_task(train=file, columns={"tokens": ["sentence.words"], "tags": ["sentence.tags"]})
    assert (task.task_type, task.metrics[0]) == ("token_classification", "entity_f1")
    assert load_splits(task).labels == ("B-LOC", "O")


def test_choices_may_be_objects_with_text_and_label_as_published_for_commonsense_qa(tmp_path):
    rows = [
        {
            "answerKey": "AB"[n % 2],
            "question": {
                "stem": f"question {n}",
                "choices": [{"label": "A", "text": f"a{n}"}, {"label": "B", "text": "b"}],
            },
        }
        for n in range(12)
    ]
    file = write_jsonl(tmp_path / "train.jsonl", rows)
    named = {"text": ["question.stem"], "choices": ["question.choices"], "label": ["answerKey"]}
    splits = load_splits(custom_task(train=file, columns=named))
    assert {example.choices[example.right][0] for example in splits.train} == {"a", "b"}
    assert guessed(rows, named={}).columns == {role: tuple(names) for role, names in named.items()}


def test_new_texts_are_read_by_the_same_path():
    task = custom_task(train="train.jsonl", columns={"text": ["review.text"]})
    row = {"review": {"text": "a joy"}}
    (example,) = examples_of(task, [task.completed(row)])
    assert (example.text, task.inner_fields(row)) == ("a joy", {"review.text": "a joy"})
    with pytest.raises(UserError, match=r"^row 1: no column 'review.text' \(its columns: review.body\)"):
        examples_of(task, [task.completed({"review": {"body": "a joy"}})])


def test_a_missing_column_is_told_with_the_paths_that_exist(tmp_path):
    file = write_jsonl(tmp_path / "train.jsonl", nested_reviews())
    with pytest.raises(UserError) as told:
        load_splits(custom_task(train=file))
    assert told.value.lines[0].endswith(
        "no column 'text' (its columns: review.text, review.verdict.stars, film). Did you mean review.text?"
    )
    row = {"review": {"text": "a"}, "advert": {"text": "b"}}
    assert column_problem(row, "text", otherwise=" Name it.").endswith(
        "(its columns: review.text, advert.text). Name it."
    )
    assert column_problem(row, "review.txt").endswith("Did you mean review.text?")


def test_columns_inside_of_objects_are_guessed_only_if_no_others_fit(tmp_path):
    rows = nested_reviews()
    assert guessed(rows, named={}).columns == {"text": ("review.text",), "label": ("review.verdict.stars",)}
    assert guessed(rows, named={"label": ("review.verdict.stars",)}).columns["text"] == ("review.text",)
    outer = [{"text": f"{row['review']['text']} of all", "label": row["film"] % 2, "more": row} for row in rows]
    assert guessed(outer, named={}).columns == {"text": ("text",), "label": ("label",)}
    with pytest.raises(UserError, match=r"no column 'review.txt' with content \(it has 'review.text', 'review.verdict"):
        guessed(rows, named={"text": ("review.txt",)})


def test_a_file_of_squad_is_read_as_before(tmp_path):
    paragraph = {"context": "Bern is old.", "qas": [{"id": "1", "question": "What?", "answers": [{"text": "Bern"}]}]}
    file = tmp_path / "squad.json"
    file.write_text(json.dumps({"data": [{"title": "Bern", "paragraphs": [paragraph]}]}))
    assert read_rows(file) == [
        {
            "title": "Bern",
            "context": "Bern is old.",
            "id": "1",
            "question": "What?",
            "answers": [{"text": "Bern"}],
        }
    ]


@pytest.mark.slow
def test_a_run_on_fields_inside_of_objects_predicts_and_is_analysed_by_them(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_jsonl(tmp_path / "train.jsonl", nested_reviews())
    columns = ["--text", "review.text", "--label", "review.verdict.stars"]
    assert command("run", "--model", "majority", "--train", "train.jsonl", *columns).code == 0
    (run,) = (tmp_path / "runs/single").glob("train*/majority/seed-0")
    write_jsonl(tmp_path / "new.jsonl", [{"review": {"text": "a joy"}, "place": "Bern"}])
    assert command("predict", run, "--input", "new.jsonl", "--output", "out.jsonl").code == 0
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert [*row] == ["review", "place", "prediction", "probabilities"]
    assert row["review"] == {"text": "a joy"}
    assert command("evaluate", run, "--input", "train.jsonl").code == 0
    parts = command("errors", run.parent.parent, "--by", "review.verdict.stars")
    assert (parts.code, "Review.verdict.stars" in parts.output) == (0, True)
