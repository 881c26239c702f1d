"""Folders: names in the folder of all runs, beside those of suites and studies."""

from __future__ import annotations

from collections.abc import Mapping

STUDY_FILE = "study.json"  # In the folder of a study, beside the folders of its suites.
SINGLE = "single"  # The suite of runs outside any suite.
EVALUATED = "evaluated"  # The suite of models that were scored without training.
OTHER_FOLDERS: Mapping[str, str] = {
    SINGLE: "runs outside any suite",
    EVALUATED: "models that were scored without training",
    "data": "copies of data sets",
    "pretraining": "pretrained models",
}
"""Folders that are not those of a suite or study, with their content."""
