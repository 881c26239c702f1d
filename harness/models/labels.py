"""Match the labels of a checkpoint's classifier with those of the data: by name, never by position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.config.model import ModelConfig
from harness.data.labels import label_name
from harness.errors import UserError
from harness.models.checkpoint import Checkpoint
from harness.models.head import Head

# Default names, which transformers omits from config.json.
_UNSAID = {"0": "LABEL_0", "1": "LABEL_1"}


def matched_labels(
    name: str, config: Mapping[str, Any], labels: tuple[str, ...], *, head: str
) -> tuple[str, ...] | None:
    """Return the data's label names in the order of the checkpoint's classifier, or None if it has none to keep.

    Args:
        name: The name of the checkpoint in messages.
        config: The content of config.json.
        labels: The label names of the data.
        head: The suffix of transformers' classes with such a classifier, such as "ForSequenceClassification".

    Raises:
        UserError: If the classifier has other labels; the message shows both.
    """
    theirs = classifier_labels(config, head)
    if theirs is None:
        return None
    if sorted(theirs) == sorted(labels):
        return theirs
    by_name = {_spelt_alike(label): label for label in labels}
    if sorted(by_name) == sorted(map(_spelt_alike, theirs)):
        return tuple(by_name[_spelt_alike(label)] for label in theirs)
    # The default names of transformers carry no meaning. They match only if the data uses the same names.
    if len(theirs) < 2 or all(re.fullmatch(r"LABEL_\d+", label) for label in theirs):
        return None
    raise UserError(
        f"{name}: its classifier's labels are {list(theirs)}, but the data's are {list(labels)}. Rename the labels, "
        'or train a new classifier: --new-head on the command line, or head = "new" in the model file.'
    )


def classifier_labels(config: Mapping[str, Any], head: str) -> tuple[str, ...] | None:
    """Return the label names of a trained classifier, or None if the checkpoint has no such classifier."""
    if not any(head in name for name in config.get("architectures") or []):
        return None
    names = config.get("id2label") or _UNSAID
    return tuple(str(names[key]) for key in sorted(names, key=int))


def kept_labels(
    spec: ModelConfig, checkpoint: Checkpoint | None, labels: tuple[str, ...], head: Head
) -> tuple[str, ...] | None:
    """Return the data's labels in the order of the checkpoint's classifier, or None if a new one is needed.

    Raises:
        UserError: If the classifier has other labels.
    """
    if checkpoint is None or head.auto_class is None or spec.head == "new" or spec.init == "random" or not labels:
        return None
    sort = head.auto_class.removeprefix("AutoModel")
    return matched_labels(checkpoint.name, checkpoint.config(), labels, head=sort)


def renamed(settings: Mapping[str, Any], labels: tuple[str, ...]) -> dict[str, Any]:
    """Return the head's settings, with the label names if there are any."""
    if not labels:
        return dict(settings)
    names = dict(enumerate(labels))
    return {**settings, "id2label": names, "label2id": {name: index for index, name in names.items()}}


def _spelt_alike(label: str) -> str:
    """Normalise case and the notation of whole numbers."""
    return (label_name(label) or label).casefold()
