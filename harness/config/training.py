"""Training: a recipe for fine-tuning, checked. It is flat to a user, and made of parts here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator

from harness.config.checking import Strict, checked
from harness.config.misfits import misfits
from harness.registry import OPTIMIZERS, SCHEDULES, TASK_TYPES, Registry


def _named_in(registry: Registry) -> AfterValidator:
    def known(name: str) -> str:
        if name not in registry.names():
            raise ValueError(f"must be one of {', '.join(registry.names())}")
        return name

    return AfterValidator(known)


SPLIT_LIMITS = ("train_examples", "validation_examples", "test_examples")
SEGMENTED = ("segment_recurrence", "independent_segments")  # Strategies that read a text from end to end.
FEWEST_STEPS = 200  # On a user's own files.
OptimizerName = Annotated[str, _named_in(OPTIMIZERS)]
ScheduleName = Annotated[str, _named_in(SCHEDULES)]


class Optimisation(Strict):
    """How the weights are updated.

    The defaults are those of Devlin et al. 2019 (appendix A.3) with the corrections of Mosbach et al. 2021.

    Attributes:
        optimizer: The name of an optimizer (`harness list optimizers`).
        schedule: The learning rate schedule after the peak (`harness list schedules`).
        learning_rate: The peak learning rate.
        batch_size: Training items (texts, or windows in question answering) per optimizer step, summed over all
            devices.
        micro_batch_size: Maximum number of windows per forward pass. A smaller value needs less memory and gives the
            same gradient, except that dropout is drawn once per pass.
        epochs: Passes over the training split.
        minimum_steps: Minimum number of optimizer steps, however small the data (Mosbach et al. 2021: runs of few steps
            are unstable). For your own files the default is 200, unless you set epochs or `maximum_steps`, or texts are
            read in windows or segments.
        maximum_steps: Maximum number of optimizer steps. 0 scores the model without training it.
        warmup_ratio: Fraction of the steps during which the learning rate rises to its peak.
        weight_decay: Weight decay of weight matrices. Biases and norms have none.
        max_grad_norm: Gradients are clipped to this norm.
        dropout: Overrides every dropout probability in the checkpoint's configuration.
    """

    optimizer: OptimizerName = "adamw"
    schedule: ScheduleName = "linear"
    learning_rate: float = Field(2e-5, gt=0, lt=1)
    batch_size: int = Field(16, ge=1)
    micro_batch_size: int = Field(32, ge=1)
    epochs: float = Field(3.0, gt=0)
    minimum_steps: int = Field(0, ge=0)
    maximum_steps: int | None = Field(None, ge=0)
    warmup_ratio: float = Field(0.1, ge=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    dropout: float | None = Field(None, ge=0, lt=1)

    def steps(self, per_epoch: int) -> int:
        """Optimiser steps of the whole run, with so many an epoch."""
        steps = max(math.ceil(self.epochs * per_epoch), self.minimum_steps, 1)
        return steps if self.maximum_steps is None else min(steps, self.maximum_steps)


def _frozen(given: Any) -> Any:
    if (
        given is not None
        and given != "encoder"
        and (not isinstance(given, int) or isinstance(given, bool) or given < 0)
    ):
        raise ValueError('must be "encoder", or how many of the lowest layers (0: the embeddings alone)')
    return given


def _compiled(given: Any) -> Any:
    if given != "cuda_graphs" and str(given).lower() not in ("true", "false"):
        raise ValueError('must be true, false or "cuda_graphs"')
    return given


class Adaptation(Strict):
    """Which weights are trained, and at which relative learning rates.

    Attributes:
        method: "full" trains all weights. "lora" trains only the head and low-rank matrices beside every linear map of
            the encoder's layers (Hu et al. 2022); the matrices are merged, so that the saved checkpoint is a stock one,
            and also saved separately in the format of the peft library. "probe" only fits the last layer of the head,
            by logistic or ridge regression on its inputs, and reads each text once (Alain & Bengio 2016).
        rank: The rank of the LoRA matrices.
        alpha: The output of the LoRA matrices is scaled by `alpha` / `rank`. Default: twice the rank.
        frozen: What is not trained: "encoder" freezes everything but the head and the pooler, if there is one; a number
            freezes the embeddings and this many of the lowest layers, 0 the embeddings alone. Frozen parts run without
            dropout.
        layer_decay: The learning rate of each layer is that of the layer above times this factor; the embeddings have
            the lowest, and everything above the layers has the full one (Howard & Ruder 2018, section 3.2; Clark et al.
            2020, whose code takes one more step between the highest layer and the head).
        head_learning_rate: The peak learning rate of the head and the pooler. Default: `learning_rate`.
    """

    method: Literal["full", "lora", "probe"] = "full"
    rank: int = Field(8, ge=1)
    alpha: float | None = Field(None, gt=0)
    frozen: Annotated[Literal["encoder"] | int | None, BeforeValidator(_frozen)] = None
    layer_decay: float | None = Field(None, gt=0, le=1)
    head_learning_rate: float | None = Field(None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_way_to_train_little(self) -> Self:
        if self.method == "lora" and self.frozen is not None:
            raise ValueError(f"frozen {self.frozen!r} and method 'lora' don't go together: LoRA freezes the encoder")
        return self

    @model_validator(mode="after")
    def _a_probe_trains_nothing_else(self) -> Self:
        if self.method == "probe" and self.frozen is not None:
            raise ValueError(
                f"frozen {self.frozen!r} and method 'probe' don't go together: a probe freezes all it reads"
            )
        return self

    @property
    def scale_of_adapters(self) -> float:
        """LoRA's alpha."""
        return 2.0 * self.rank if self.alpha is None else self.alpha


class Execution(Strict):
    """How computations run: settings for speed and memory that change results by rounding at most.

    Attributes:
        precision: "fp32", "bf16" (autocast; weights stay in fp32), or "auto", which uses bf16 if the device has
            instructions for it, and else fp32.
        execution: "packed" concatenates windows without padding if the model family supports it; "padded" pads them to
            one length. The results are the same up to rounding.
        gradient_checkpointing: Recompute each layer's activations in the backward pass instead of storing them: less
            memory and about a third more time, with the same results. Not available for packed execution or for texts
            read in segments.
        vocabulary: The embedding rows that training keeps in memory: only those "used" by the data, or the "whole"
            matrix. The saved checkpoint always has the whole matrix, and is the same up to rounding.
        compile: Train with `torch.compile`, once for inputs of any size; the model is evaluated and saved as it is.
            Needs `execution = "padded"`, a C++ compiler, and on a GPU triton. The results are the same up to rounding,
            but dropout draws other numbers. Slower on the CPU where it was measured; not measured on a GPU.
            "cuda_graphs" also replays what is compiled as CUDA graphs, one for each of a few sizes that inputs are
            padded to. Needs an NVIDIA GPU; not run on one so far.
    """

    precision: Literal["fp32", "bf16", "auto"] = "fp32"
    execution: Literal["packed", "padded"] = "packed"
    vocabulary: Literal["used", "whole"] = "used"
    gradient_checkpointing: bool = False
    compile: Annotated[bool | Literal["cuda_graphs"], BeforeValidator(_compiled)] = False


class LongTexts(Strict):
    """How texts are read that are longer than one input of the model.

    Attributes:
        strategy: Read the head, the head and tail ("head_tail"), or overlapping windows of a text; or read all of it in
            consecutive segments, each with a memory of the previous ones ("segment_recurrence", Dai et al. 2019,
            section 3.2) or without ("independent_segments", the control).
        max_length: Tokens in a window, including special tokens. Default: the model's maximum, but at most 512.
        stride: Tokens that neighbouring windows share, as in Hugging Face tokenizers. Default: 0; for questions 128, or
            twice the 99th percentile of the training answers' length if that is larger.
        max_windows: Maximum number of windows or segments per text. Anything beyond is not read, and the record says
            how much that is. Default: 64 windows; segments, and the context of a question, are not limited.
        segment: Tokens in a segment.
        memory: States per layer that a segment sees of the previous ones. Default: the length of a segment.
        gradient_segments: The gradient flows back through the memory within groups of this many segments, counted from
            the end of the text. 1 stops it at the start of each segment, as in Dai et al. 2019.
        pool: What a text's label is predicted from: for windows, the "mean" or "max" of their logits; for segments, the
            "mean" of all states, the "last" state, or the mean of the last states of all segments ("segment_ends").
    """

    renamed_values: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "strategy": {"recurrence": "segment_recurrence", "segments": "independent_segments"}
    }

    strategy: Literal["head", "head_tail", "windows", "segment_recurrence", "independent_segments"] = "head"
    max_length: int | None = Field(None, ge=8)
    stride: int | None = Field(None, ge=0)
    max_windows: int | None = Field(None, ge=1)
    segment: int = Field(256, ge=8)
    memory: int | None = Field(None, ge=1)
    gradient_segments: int = Field(1, ge=1)
    pool: Literal["mean", "max", "last", "segment_ends"] = "mean"

    @model_validator(mode="after")
    def _windows_advance(self) -> Self:
        if self.stride is not None and self.max_length is not None and self.stride >= self.max_length:
            raise ValueError(f"stride {self.stride} is not smaller than the window, max_length {self.max_length}")
        return self

    @property
    def segmented(self) -> bool:
        """Whether a text is read from end to end, segment by segment."""
        return self.strategy in SEGMENTED

    @property
    def memory_length(self) -> int:
        """States of each layer that a segment sees of those before it."""
        return 0 if self.strategy == "independent_segments" else self.memory or self.segment

    @property
    def pools(self) -> tuple[str, ...]:
        """What `pool` may be under the strategy."""
        return ("mean", "last", "segment_ends") if self.segmented else ("mean", "max")


class Evaluation(Strict):
    """How often the model is evaluated, and on how many examples.

    Attributes:
        evaluations_per_epoch: Evaluations on the validation split per epoch.
        keep: The weights to keep: the "best" on validation, or the "last".
        patience: Evaluations without improvement before training stops early. Default: never stop early.
        train_examples: Maximum number of training examples; the same ones for every model and seed. Default: all.
        validation_examples: Maximum number of validation examples, chosen in the same way.
        test_examples: Maximum number of test examples, chosen in the same way.
    """

    evaluations_per_epoch: int = Field(2, ge=1)
    keep: Literal["best", "last"] = "best"
    patience: int | None = Field(None, ge=1)
    train_examples: int | None = Field(None, ge=1)
    validation_examples: int | None = Field(None, ge=1)
    test_examples: int | None = Field(None, ge=1)


class Baselines(Strict):
    """Settings of the simple baselines.

    Attributes:
        baseline_penalty: Regularization of the linear model of tfidf, as a multiple of its default (1 / C in
            scikit-learn's logistic regression, alpha in its ridge regression).
    """

    baseline_penalty: float = Field(1.0, gt=0)


class Recipe(Optimisation, Adaptation, Execution, LongTexts, Evaluation, Baselines):
    """The training settings that all task types share."""


if TYPE_CHECKING:
    Training = Recipe
else:
    _PARTS = [TASK_TYPES.load(name).settings for name in TASK_TYPES.names()]
    Training = create_model("Training", __base__=(Recipe, *dict.fromkeys(_PARTS)), __module__=__name__)
    Training.__doc__ = "A recipe for fine-tuning: the parts above, and those of the task types."
    Training.renamed = {old: new for part in _PARTS for old, new in part.renamed.items()}
    Training.earlier_defaults = {key: value for part in _PARTS for key, value in part.earlier_defaults.items()}


UNREAD_BY_PROBES = frozenset(
    {
        *({*Optimisation.model_fields} - {"micro_batch_size"}),
        *({*Adaptation.model_fields} - {"method"}),
        *("vocabulary", "gradient_checkpointing", "compile", "evaluations_per_epoch", "keep", "patience"),
    }
)
"""Settings that method "probe", which takes no step, has no use for."""


def recipe_of(layers: Mapping[str, Mapping[str, Any]], mistakes: list[str]) -> Training | None:
    """The recipe of `layers`, each on top of those before it; or None, with one line per mistake added to `mistakes`.

    Args:
        layers: Settings by the place where they stand, such as "--set ".
        mistakes: Is added to. A mistake is told of the place where it stands, whatever is on top of it.
    """
    alone = [checked(Training, layer, where, mistakes) for where, layer in layers.items()]
    if any(layer is None for layer in alone):
        return None
    merged = {key: value for layer in layers.values() for key, value in Training.current(layer).items()}
    last = list(layers)[-1]
    recipe = checked(Training, merged, last, mistakes)
    found = [] if recipe is None else list(misfits(recipe))
    mistakes += [f"{last}{misfit}" for misfit in found]
    return None if found else recipe
