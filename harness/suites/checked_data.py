"""What loading a user's data shows before any run."""

from __future__ import annotations

from dataclasses import dataclass, replace

from harness.config.checking import parse_settings
from harness.data.loading import load_splits
from harness.data.sources import Files
from harness.errors import UserError
from harness.rare_label import RareLabel
from harness.suites.choosing import Question


@dataclass(frozen=True)
class Checked:
    """What loading the data shows before any run.

    Attributes:
        rare: The rarest label, if it is rare.
        split_off: The number of test examples, if they are split off.
        notes: Remarks on the data, such as labels that may be the same.
    """

    rare: RareLabel | None = None
    split_off: int | None = None
    notes: tuple[str, ...] = ()


def check_data(question: Question) -> Checked:
    """Reject data that no model could be trained on, such as that of one class, before any run fails.

    Near-duplicates are kept, because finding them may take longer than everything else; without them there is less
    data.

    Raises:
        UserError: For every mistake in the data, each with the file, or if it is too small to split.
    """
    task = question.local.task()
    if task.type.scored_as_found and parse_settings(question.settings).get("maximum_steps") == 0:
        return Checked()  # Any split suffices.
    try:
        splits = load_splits(replace(task, near_duplicates="keep"))
    except UserError as error:
        file = str(question.local.train)
        raise UserError(*(line if file in line else f"{file}: {line}" for line in error.lines)) from error
    given = isinstance(task.source, Files) and "test" in task.source.files()
    return Checked(task.type.rare_label(splits), None if given else len(splits.test), splits.notes)
