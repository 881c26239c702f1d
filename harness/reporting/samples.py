"""What models wrote, side by side."""

from __future__ import annotations

import numpy as np

from harness.comparison.formatting import NOTHING
from harness.error_analysis.answered import AnsweredTask
from harness.reporting.entries import Entry
from harness.reporting.tables import Table

MOST_MODELS, MOST_SAMPLES, LONGEST = 4, 8, 300


def samples(task: AnsweredTask) -> Table | None:
    """Test examples at even distances, with what the best models wrote; None where a task's answers are no texts.

    Of several seeds the first is shown.
    """
    sources = task.task_type.sources(task.first.tables[0])
    if not sources:
        return None
    models = task.models[:MOST_MODELS]
    places = np.unique(np.linspace(0, len(sources) - 1, min(MOST_SAMPLES, len(sources))).astype(int)).tolist()
    right = task.first.column("reference")
    written = [[task.task_type.shown(one) for one in model.answers.column("prediction")] for model in models]
    rows = [
        tuple(map(_entry, (sources[place], right[place], *(texts[place] for texts in written)))) for place in places
    ]
    more = len(task.models) - len(models)
    caption = f"{task.task}: what was written" + (f"; not shown: {more} more" if more else "")
    return Table(caption, ("Source", "Right text", *(model.model for model in models)), tuple(rows))


def note_on_attention(task: AnsweredTask) -> str | None:
    """How to see where the decoder of the best trained model looks as it writes; None where nothing is written."""
    trained = [run for model in task.models for run in model.runs if not run[1].simple_baseline]
    if not trained or not task.task_type.sources(task.first.tables[0]):
        return None
    folder, record = trained[0]
    run, text = "/".join(folder.parts[-3:]), f"--{task.task_type.inputs[0]} TEXT"
    return (
        f"Where {record.model} looks in a source as it writes each token, if it is an encoder–decoder: "
        f"`harness explain FOLDER/{run} {text} --attention --html PAGE`."
    )


def _entry(text: str | None) -> Entry:
    shown = NOTHING if not text else text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
    return Entry(shown, is_faint=not text)
