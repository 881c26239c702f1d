"""The settings that task types with labels share: class weights, focal loss, label smoothing and thresholds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from harness.config.checking import Strict
from harness.errors import UserError

if TYPE_CHECKING:  # A recipe is composed of the task types' settings, so neither can import the other first.
    from harness.config.training import Training
    from harness.task_types.contract import TaskType

BALANCED, EFFECTIVE = "balanced", "effective"


def _class_weights(given: Any) -> Any:
    named = given is None or given in (BALANCED, EFFECTIVE)
    if not named and not (isinstance(given, dict) and given and all(map(_is_weight, given.values()))):
        raise ValueError(f'must be "{BALANCED}", "{EFFECTIVE}", or a table with a number above 0 for each label')
    return given


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


ClassWeights = Annotated[str | dict[str, float] | None, BeforeValidator(_class_weights)]


class LabelLoss(Strict):
    """How labels are learnt and decided.

    The validation loss in records and logs is always the plain cross-entropy, so that recipes can be compared by it.

    Attributes:
        class_weights: Weights of labels in the loss: "balanced" weights each label by the inverse of its frequency, so
            that all labels count alike; "effective" uses the effective number of examples instead (Cui et al. 2019); or
            give a table such as { spam = 5.0 }, in which omitted labels weigh 1. The loss of a step is the weighted
            mean over its whole batch. With several labels per text, "balanced" and "effective" weight the positive
            against the negative examples of each label, and a table weights its positive examples. Tags are weighted
            word by word.
        class_weight_beta: Beta of "effective"; the nearer to 1, the nearer to "balanced".
        focal_gamma: Gamma of the focal loss, which weights well-classified examples less (Lin et al. 2017). 0 turns it
            off.
        label_smoothing: Probability mass spread evenly over all labels (Szegedy et al. 2016, section 7); with several
            labels per text, over yes and no.
        thresholds: With several labels per text, how the probability threshold is chosen on validation: "one" for all
            labels, by the overall F1, or "per_label", each by its own F1. Default: 0.5. Thresholds are stored in the
            record (`calibration`); plain transformers does not use them.
    """

    class_weights: ClassWeights = None
    class_weight_beta: float = Field(0.999, ge=0, lt=1)
    focal_gamma: float = Field(0.0, ge=0, le=100)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    thresholds: Literal["one", "per_label"] | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if self.focal_gamma and self.label_smoothing:
            raise ValueError(
                f"focal_gamma {self.focal_gamma} and label_smoothing {self.label_smoothing} pull in opposite "
                "directions. Set one of them"
            )
        return self

    @classmethod
    def of(cls, training: Training) -> Self:
        """Return the label settings of a recipe."""
        return cls(**{name: getattr(training, name) for name in cls.model_fields})

    @property
    def is_plain(self) -> bool:
        """Whether the loss is the plain mean cross-entropy."""
        return self.class_weights is None and not self.focal_gamma and not self.label_smoothing


def check_label_settings(task_type: TaskType, training: Training) -> None:
    """Refuse label settings for tasks without such labels.

    Raises:
        UserError: If the recipe has such settings, a line each.
    """
    known = issubclass(task_type.settings, LabelLoss)
    changed = [name for name, field in LabelLoss.model_fields.items() if getattr(training, name) != field.get_default()]
    vain = [name for name in changed if not known or name in task_type.unused_settings]
    if vain:
        raise UserError(
            *(
                f"{name}: not for tasks of type {task_type.name}, which have no such labels. Leave it out, or set it "
                "in [training_on.<task>] of the tasks that have."
                for name in vain
            )
        )
