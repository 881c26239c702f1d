"""`harness evaluate`: a finished run's model on rows that came later, with intervals."""

import json
from math import sqrt

import pytest
from command_line import reviews, write_csv, write_jsonl


@pytest.fixture
def run(command, tmp_path):
    rows = [{**row, "label": "good" if number % 5 == 0 else row["label"]} for number, row in enumerate(reviews(60))]
    train, test = write_jsonl(tmp_path / "a.jsonl", rows[:40]), write_jsonl(tmp_path / "b.jsonl", rows[40:])
    assert command("run", "--model", "tfidf", "--train", train, "--test", test).code == 0
    (record,) = tmp_path.rglob("run.json")
    return record.parent


def wilson(share, count, quantile):
    centre, half = share + quantile**2 / count / 2, sqrt(share * (1 - share) / count + (quantile / count) ** 2 / 4)
    scale = 1 + quantile**2 / count
    return (centre - quantile * half) / scale, (centre + quantile * half) / scale


@pytest.mark.slow
def test_new_rows_are_scored_with_the_interval_of_wilson_where_nearly_all_are_right(run, command, tmp_path):
    file = write_csv(tmp_path / "new.csv", reviews(20, start=100))
    found = json.loads(command("evaluate", run, "--input", file, "--json").output)
    assert (found["rows"], found["groups"]) == (20, 20)
    accuracy = found["scores"]["accuracy"]
    assert accuracy["score"] > 0.8
    # Student's t of 19 degrees of freedom, and Wilson's interval with it.
    low, high = wilson(accuracy["score"], 20, 2.093)
    assert accuracy["low"] == pytest.approx(low, abs=0.02)
    assert accuracy["high"] == pytest.approx(min(high, 1.0), abs=0.02)
    output = command("evaluate", run, "--input", file).output
    assert "20 rows" in " ".join(output.split())
    assert "not about other seeds" in output


@pytest.mark.slow
def test_rows_of_a_group_count_together_so_that_the_interval_is_wider(run, command, tmp_path):
    rows = [{**row, "film": f"f{number // 10}"} for number, row in enumerate(reviews(60, start=100))]
    rows = [{**row, "label": "bad"} if row["film"] == "f1" else row for row in rows]
    file = write_csv(tmp_path / "new.csv", rows)
    alone = json.loads(command("evaluate", run, "--input", file, "--json").output)
    grouped = json.loads(command("evaluate", run, "--input", file, "--group", "film", "--json").output)
    assert (alone["groups"], grouped["groups"]) == (60, 6)
    one, other = (found["scores"]["accuracy"] for found in (alone, grouped))
    assert one["score"] == other["score"] < 1
    assert other["high"] - other["low"] > one["high"] - one["low"]


@pytest.mark.slow
def test_rows_without_the_tasks_groups_count_each_for_itself_and_that_is_told(command, tmp_path):
    rows = [{**row, "film": f"f{number // 4}"} for number, row in enumerate(reviews(60))]
    train = write_jsonl(tmp_path / "a.jsonl", rows)
    assert command("run", "--model", "majority", "--train", train, "--group", "film").code == 0
    (record,) = tmp_path.rglob("run.json")
    new = [{**row, "film": f"new-{number // 4}"} for number, row in enumerate(reviews(20, start=100))]
    grouped = command("evaluate", record.parent, "--input", write_jsonl(tmp_path / "b.jsonl", new), "--json")
    assert (json.loads(grouped.output)["groups"], grouped.errors) == (5, "")
    bare = write_jsonl(tmp_path / "c.jsonl", reviews(20, start=100))
    alone = command("evaluate", record.parent, "--input", bare, "--json")
    assert json.loads(alone.output)["groups"] == 20
    assert alone.lines == ["data: no row has the task's group column 'film', so each row counts as independent."]
    some = write_jsonl(tmp_path / "d.jsonl", [*new, *reviews(2, start=130)])
    refused = command("evaluate", record.parent, "--input", some, "--json")
    assert (refused.code, refused.output) == (2, "")
    assert "film" in refused.errors


@pytest.mark.slow
def test_what_is_to_be_scored_is_named_once(run, command, tmp_path):
    assert "needs either --input or --split" in command("evaluate", run).errors
    assert "--group is for --input" in command("evaluate", run, "--split", "test", "--group", "film").errors
    file = write_csv(tmp_path / "new.csv", reviews(20, start=100))
    assert "film" in command("evaluate", run, "--input", file, "--group", "film").errors
    other = write_csv(tmp_path / "other.csv", [{"text": row["text"], "stars": row["label"]} for row in reviews(4)])
    (line,) = command("evaluate", run, "--input", other).lines
    assert line.endswith(
        "no column 'label' (its columns: text, stars). Rename the column: this is its name in the run's task."
    )
    recorded = json.loads((run / "run.json").read_text())["scores"]["test"]["accuracy"]
    assert json.loads(command("evaluate", run, "--split", "test", "--json").output)["scores"]["accuracy"][
        "score"
    ] == pytest.approx(recorded)


@pytest.mark.slow
def test_a_file_with_labels_that_the_model_does_not_know_is_told_in_one_line(run, command, tmp_path):
    file = write_csv(tmp_path / "new.csv", [{**row, "label": row["label"].title()} for row in reviews(20, start=100)])
    result = command("evaluate", run, "--input", file)
    assert result.code == 2
    (line,) = result.lines
    assert line == (
        f"data ({file}, line 2): label: this row and 19 more of 20 have labels that are not among those of the "
        "training data or task: 'Bad' (10 rows), 'Good' (10 rows). Known: 'bad', 'good'. They differ in case or "
        "blanks alone: write 'bad' for 'Bad', 'good' for 'Good'."
    )
