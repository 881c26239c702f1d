"""The part of a recipe that task types with labels share: which labels weigh more, and how sure a model is to be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from harness.config.checking import Strict
from harness.errors import UserError

if TYPE_CHECKING:  # A recipe is made of the task types' parts, so neither can import the other first.
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
    """How labels are learnt, and decided.

    The validation loss in records and logs is the plain cross-entropy, whatever is set here, so that recipes can be
    compared by it.

    Attributes:
        class_weights: How much the examples of each label count: "balanced", the fewer there are the more, so that all
            labels count alike; "effective", likewise by the effective number of examples (Cui et al. 2019); or a table
            of your own, such as { spam = 5.0 }, in which a label that it leaves out weighs 1. A step's loss is the
            weighted mean over its whole batch. Of several labels, a label's yes and no are weighted against each other
            ("balanced", "effective"), or its yes alone (a table). Tags are weighted word by word.
        class_weight_beta: Of "effective": how little one more example of a label adds; the nearer to 1, the nearer to
            "balanced".
        focal_gamma: How much less what is predicted well already counts (Lin et al. 2017, focal loss); 0: no less.
        label_smoothing: Share of the probability that is asked for evenly over all labels (Szegedy et al. 2016,
            section 7), of several labels over yes and no.
        thresholds: Of several labels: from which probability on a label is predicted, chosen on validation: "one" for
            all, by the F1 over all of them, or "per_label", each by its own F1; default: 0.5 for all. The record has
            them (`calibration`), plain transformers does not.
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

    @property
    def is_plain(self) -> bool:
        """Whether what is learnt is the mean cross-entropy."""
        return self.class_weights is None and not self.focal_gamma and not self.label_smoothing


def check_label_settings(task_type: TaskType, training: Training) -> None:
    """Refuse settings of labels where tasks of the type have no such labels.

    Raises:
        UserError: The recipe has some, a line each.
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
