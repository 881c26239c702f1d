"""Varied: the value of a setting in a run, if a suite compares models at several values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Setting = Literal["train_examples", "max_length", "max_windows", "memory", "beams"]
_WORDS: Mapping[Setting, str] = {
    "train_examples": "training examples",
    "max_length": "tokens at once",
    "max_windows": "windows at most",
    "memory": "states of memory",
    "beams": "beams",
}


class Varied(BaseModel):
    """A task at one of several values of a setting; models are compared at the same value.

    Attributes:
        task: The task's name without the value.
        setting: The varied setting.
        value: Its value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str
    setting: Setting
    value: Annotated[int, Field(ge=1, lt=2**63)]

    @property
    def words(self) -> str:
        """What the setting counts, in plain words."""
        return _WORDS[self.setting]

    @property
    def name(self) -> str:
        """The task with the value, as in the names of runs and folders.

        >>> Varied(task="sst2", setting="train_examples", value=300).name
        'sst2@300'
        """
        return self.with_task(self.task)

    def with_task(self, name: str) -> str:
        """The same for another name of the task."""
        return f"{name}@{self.value}"
