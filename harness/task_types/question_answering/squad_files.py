"""SQuAD's prediction files, by question id.

They are read by `evaluate-v2.0.py` and similar scripts, and written by `run_qa.py` of transformers: `predictions.json`
with the answers, `nbest_predictions.json` with the best answers, their probabilities and logits, and `null_odds.json`
with the lead of "no answer" over the best span if questions may have no answer.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from harness.atomic_writes import write_atomically
from harness.data.task import Row
from harness.errors import UserError

N_BEST = "n_best"
CANDIDATES = "candidates"  # all answers that were found; N_BEST of them are shown
CANDIDATES_OF_SQUAD = 20
NO_SPAN = 1e9  # JSON has no infinity
_WRITTEN = ("text", "probability", "start_logit", "end_logit")


def check_squad_files(folder: Path, rows: Sequence[Row]) -> None:
    """Check that the files can be written.

    Raises:
        UserError: If the folder is a file, or two rows have the same id.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file. Name a folder for SQuAD's files.")
    twice = [identity for identity, count in Counter(_ids(rows)).items() if count > 1]
    if twice:
        raise UserError(f"id: {len(twice)} ids are in several rows (such as {twice[0]!r}). Give each row its own.")


def write_squad_files(folder: Path, rows: Sequence[Row], answers: Sequence[Mapping[str, Any]]) -> None:
    """Write the files to `folder`, which is created. A row without an `id` is named by its number, from 0."""
    by_id = dict(zip(_ids(rows), answers, strict=True))
    files: dict[str, Any] = {
        "predictions": {identity: answer["prediction"] for identity, answer in by_id.items()},
        "nbest_predictions": {
            identity: [{key: one[key] for key in _WRITTEN} for one in answer[CANDIDATES]]
            for identity, answer in by_id.items()
        },
    }
    if any(one["start"] < 0 for answer in answers for one in answer[CANDIDATES]):
        files["null_odds"] = {identity: _lead(answer) for identity, answer in by_id.items()}
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_atomically(folder / f"{name}.json", f"{json.dumps(content, ensure_ascii=False, indent=1)}\n".encode())


def _ids(rows: Sequence[Row]) -> list[str]:
    return [str(row.get("id", number)) for number, row in enumerate(rows)]


def _lead(answer: Mapping[str, Any]) -> float:
    lead = answer["no_answer_score"] - answer["score"]
    return float(lead) if isfinite(lead) else NO_SPAN
