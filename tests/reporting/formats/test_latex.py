"""Tables for a paper: what stands in them, what is marked, and that both engines compile them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from synthetic_runs import add_runs, card, record, save
from waiting import LONGEST

from harness.comparison.comparison import compare
from harness.comparison.conclusions import reading
from harness.comparison.results import Comparison
from harness.errors import UserError
from harness.registry import FORMATS
from harness.reporting.entries import Entry
from harness.reporting.files import write_report
from harness.reporting.latex.fields import MARKS, Field, field_of, is_interval
from harness.reporting.latex.fitting import Group, Question, tabulars
from harness.reporting.latex.questions import questions
from harness.reporting.latex.text import escaped

HOSTILE = "a_b&<script>%|$#{}^~\\`*[x](javascript:y)\"--'"
RENDER = FORMATS.load("latex")
PAPER = r"""\documentclass[%s]{article}
\usepackage{booktabs,siunitx,threeparttable}
%s
\begin{document}
\input{report.tex}
\end{document}
"""


@pytest.fixture
def hostile(runs: Path) -> Comparison:
    task_card = card().model_copy(update={"description": "</pre>"})
    for model, share in ((HOSTILE, 0.9), ("*[bold]", 0.7), ("東京-André", 0.6)):
        add_runs(runs, model, share, task=HOSTILE, task_card=task_card)
    add_runs(runs, "bert-mini", 0.7, task="ćwiczenie Ω", task_card=task_card)
    save(runs, record(model=HOSTILE, task=HOSTILE, seed=9, status="failed", reason="\\undefined"), None)
    return compare(runs, baseline="*[bold]")


def test_what_latex_would_read_as_a_command_is_literal():
    assert escaped(HOSTILE) == (
        r"a\_b\&\textless{}script\textgreater{}\%\textbar{}\$\#\{\}\textasciicircum{}\textasciitilde{}"
        r"\textbackslash{}{`}{*}{[}x{]}(javascript:y){''}-{}-{'}"
    )


def test_a_note_has_letters_and_a_number_in_brackets_is_none():
    assert field_of(Entry("60.2 (53.8)")) == Field("60.2 (53.8)")
    assert field_of(Entry("60.2 (1 seed)")) == Field("60.2", notes=("1 seed",))
    assert is_interval("53.8 to 66.3 (2)") is None
    assert is_interval("53.8 to 66.3 (2 seeds)")["note"] == "2 seeds"


def test_letters_that_pdflatex_lacks_are_printed_by_the_other_engines_alone():
    assert escaped("東京 é ą") == r"\unicodetext{東京}{U+6771 U+4EAC} é \unicodetext{ą}{U+0105}"


@pytest.mark.slow
def test_braces_are_balanced_and_rows_have_as_many_fields_as_columns(hostile: Comparison):
    text = RENDER(hostile, columns=2)
    bare = re.sub(r"\\[\\{}]", "", text)
    assert bare.count("{") == bare.count("}") > 0
    found = re.findall(r"\\begin\{tabular\}\{((?:S\[[^]]*\]|[lcr])+)\}(.*?)\\bottomrule", text, re.DOTALL)
    assert len(found) == text.count(r"\begin{tabular}") > 3
    for specification, body in found:
        columns = len(re.sub(r"S\[[^]]*\]", "S", specification))
        rows = [line for line in body.splitlines() if " & " in line]
        assert rows
        assert {len(re.findall(r" & ", row)) for row in rows} == {columns - 1}


def test_marks_are_the_comparisons_claims(comparison: Comparison):
    scores = next(question for question in questions(comparison) if question.name == "scores")
    said = {(row[0].text, place): field.mark for row in scores.groups[0].rows for place, field in enumerate(row[1:])}
    claimed = {
        (cell.model, place): reading(cell) if reading(cell) in MARKS else ""
        for place, task in enumerate(comparison.tasks)
        for cell in task.cells
    }
    assert said == claimed
    assert {"better", ""} <= {*said.values()}
    assert MARKS["better"] in RENDER(comparison)


def test_the_differences_are_marked_as_the_scores_are(comparison: Comparison):
    found = {question.name: question for question in questions(comparison)}
    marked = {
        name: {row[0].text for group in found[name].groups[:1] for row in group.rows if any(f.mark for f in row)}
        for name in ("scores", "differences")
    }
    first_task = comparison.tasks[0]
    assert marked["differences"] == {
        cell.model for cell in first_task.cells if cell.from_baseline and cell.from_baseline.is_significant
    }
    assert marked["differences"] <= marked["scores"]


def test_a_score_its_interval_and_what_is_missing_are_told_apart():
    from harness.reporting.entries import Entry

    found = field_of(Entry("0.6 (−8.4 to 9.5) (1 of 3 collapsed)"))
    assert (found.text, found.interval, found.notes) == ("0.6", ("−8.4", "9.5"), ("1 of 3 collapsed",))


def test_a_wide_table_stands_across_both_columns_and_a_narrow_one_in_its_own(comparison: Comparison):
    one, two = RENDER(comparison, columns=1), RENDER(comparison, columns=2)
    assert r"\begin{table*}" not in one
    assert r"\begin{table*}" in two
    assert r"\begin{table}" in two


def test_a_table_wider_and_longer_than_a_page_goes_on_in_others_with_labels_of_their_own():
    from harness.reporting.latex.fields import Field

    row = (Field("model"), *[Field("12.3")] * 40)
    heads = (Field(""), *(Field(f"task-{number}") for number in range(40)))
    question = Question("scores", "Scores", heads, (Group(None, (row,) * 100),))
    parts = list(tabulars(question, columns=2, prefix="demo"))
    assert len({part.label for part in parts}) == len(parts) > 6
    assert {part.label for part in parts} >= {"tab:demo-scores", "tab:demo-scores-2"}
    lines: dict[str, int] = {}
    for part in parts:
        lines[part.heads] = lines.get(part.heads, 0) + len(part.lines)
    assert {*lines.values()} == {100}
    assert all(f"task-{number}}}" in " ".join(lines) for number in range(40))


def test_a_unit_that_all_share_stands_in_the_heading(comparison: Comparison):
    cost = next(question for question in questions(comparison) if question.name == "cost")
    (table,) = tabulars(cost, columns=2, prefix="demo")
    assert r"Parameters\\(M)" in table.heads
    assert "11.2 M" not in " ".join(table.lines)


def test_an_interval_with_exponents_stands_beneath_its_number_which_is_not_aligned():
    field = field_of(Entry("2.151e+10 (1.944e+10 to 2.380e+10) (1 of 3 failed)"))
    assert (field.text, field.interval, field.notes) == ("2.151e+10", ("1.944e+10", "2.380e+10"), ("1 of 3 failed",))
    assert not field.is_number
    assert field.latex_beneath() == r"{\scriptsize [1.944e+10, 2.380e+10]}"


def test_columns_are_a_setting_of_latex_alone(comparison: Comparison, tmp_path: Path):
    with pytest.raises(UserError, match="--columns: the format csv has no such setting"):
        write_report("csv", comparison, tmp_path / "report.csv", {"columns": 2})


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("engine", ["pdflatex", "lualatex"])
def test_it_compiles(hostile: Comparison, tmp_path: Path, engine: str, columns: int):
    _need(engine)
    fonts = r"\usepackage{fontspec}\setmainfont{FandolSong}" if engine == "lualatex" and _has_fandol() else ""
    write_report("latex", hostile, tmp_path / "report.tex", {"columns": columns})
    (tmp_path / "paper.tex").write_text(PAPER % ("twocolumn" if columns == 2 else "", fonts))
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=LONGEST, check=False)
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
    log = (tmp_path / "paper.log").read_text(errors="replace")
    too_wide = [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\) in alignment", log)]
    assert not too_wide
    if fonts:
        assert "東" not in "".join(re.findall("Missing character.*", log))


def _need(engine: str) -> None:
    if shutil.which(engine) is None or shutil.which("kpsewhich") is None:
        pytest.skip(f"{engine} is not installed")
    styles = ["booktabs.sty", "siunitx.sty", "threeparttable.sty"]
    found = subprocess.run(["kpsewhich", *styles], capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("booktabs, siunitx or threeparttable is not installed")


def _has_fandol() -> bool:
    found = subprocess.run(["kpsewhich", "FandolSong-Regular.otf"], capture_output=True, text=True, check=False)
    return found.returncode == 0
