"""Label order: a checkpoint's own classifier and the data set are matched by name, never by position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.errors import UserError


def matched_labels(
    name: str, config: Mapping[str, Any], labels: tuple[str, ...], *, head: str
) -> tuple[str, ...] | None:
    """The data set's label names in the order of the checkpoint's classifier, or None where it has none to keep.

    Args:
        name: The checkpoint, for the message.
        config: The content of its config.json.
        labels: The data set's names.
        head: How transformers' classes with such a classifier end, such as "ForSequenceClassification".

    Raises:
        UserError: The checkpoint's classifier has other labels; the message shows both.
    """
    theirs = classifier_labels(config, head)
    if theirs is None:
        return None
    if sorted(theirs) == sorted(labels):
        return theirs
    by_name = {label.casefold(): label for label in labels}
    if sorted(by_name) != sorted(label.casefold() for label in theirs):
        raise UserError(
            f"{name}: its classifier's labels are {list(theirs)}, but the data's are {list(labels)}. "
            'Rename the labels, or set head = "new" in the model file to train a new classifier.'
        )
    return tuple(by_name[label.casefold()] for label in theirs)


def classifier_labels(config: Mapping[str, Any], head: str) -> tuple[str, ...] | None:
    """The names that a trained classifier gives its outputs; None where there are none."""
    trained = any(head in name for name in config.get("architectures") or [])
    names = config.get("id2label")
    if not trained or not names:
        return None
    ordered = tuple(str(names[key]) for key in sorted(names, key=int))
    generic = all(re.fullmatch(r"LABEL_\d+", label) for label in ordered)
    return None if generic or len(ordered) < 2 else ordered
