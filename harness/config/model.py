"""ModelConfig: which weights; and how a user names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from harness.config.checking import Strict, checked, read_toml
from harness.config.files import config_file, config_files
from harness.config.training import Training, recipe_of
from harness.errors import UserError, collected, nearest
from harness.registry import FAMILIES, is_simple_baseline

OWNERS = {
    "bert-base-": "google-bert", "bert-large-": "google-bert", "roberta-base": "FacebookAI",
    "roberta-large": "FacebookAI", "xlm-roberta-": "FacebookAI", "distilbert-base-": "distilbert",
    "distilroberta-": "distilbert", "distilgpt2": "distilbert", "gpt2": "openai-community", "albert-": "albert",
    "xlnet-base-": "xlnet", "xlnet-large-": "xlnet", "t5-": "google-t5", "transfo-xl-": "transfo-xl",
}  # fmt: skip
"""The Hub's owners of well-known checkpoints, by the start of the names that they had before ids had an owner."""


class ModelConfig(Strict):
    """A model: where its weights, architecture and tokenizer come from.

    Attributes:
        family: A model family (`harness list families`). Default: the one that handles the checkpoint's model_type.
        checkpoint: A Hub id, a folder, or `package:DISTRIBUTION/FOLDER` for weights inside a pip package.
        revision: A commit, tag or branch on the Hub.
        init: "pretrained", or "random" for the same architecture with untrained weights.
        tokenizer: The tokenizer of another checkpoint, or "trained" to train one on the training texts of the task.
        vocabulary_size: The vocabulary size of a trained tokenizer.
        architecture: Values of the transformers configuration, for a model without a checkpoint.
        head: "new" discards the classification head of the checkpoint.
        training: Training settings that suit this model.
    """

    family: str | None = None
    checkpoint: str | None = None
    revision: str | None = None
    init: Literal["pretrained", "random"] = "pretrained"
    tokenizer: str | None = None
    vocabulary_size: int = Field(8192, ge=100)
    architecture: dict[str, int | float | str | bool | list[int]] = Field({})
    head: Literal["auto", "new"] = "auto"
    training: dict[str, Any] = Field({}, exclude=True)

    @model_validator(mode="after")
    def _weights_come_from_somewhere(self) -> Self:
        if self.checkpoint is None and self.family is None:
            raise ValueError("needs a checkpoint or a family")
        return self

    @property
    def resolved_family(self) -> str:
        """The family, once it is resolved, as it is for every run (`harness.suites.expansion.with_family`)."""
        assert self.family is not None, "the family is resolved before a run is made"
        return self.family

    @property
    def is_simple_baseline(self) -> bool:
        """Whether it is a simple baseline. A checkpoint whose family is not resolved yet is none."""
        return self.family is not None and is_simple_baseline(self.family)


SingleModel = tuple[ModelConfig, Training]
"""The model of a single run, with its recipe."""


def find_model(name: str, *, beside: Path | None = None) -> ModelConfig:
    """The model called `name`: a file of configs/models, a .toml file, a checkpoint's folder, or a Hub id.

    A relative path in a file starts from that file's folder.

    Args:
        name: As a user writes it.
        beside: The folder that a relative `.toml` path starts from; default: the working directory.

    Raises:
        UserError: It is none of them, or its file has mistakes.
    """
    known = config_files("models")
    if name in known:
        return _read_model(config_file("models", name))
    if name.endswith(".toml"):
        return _read_model((beside or Path()) / name)
    if Path(name).is_dir() or "/" in name or name.startswith("package:"):
        return ModelConfig.model_validate({"checkpoint": name})
    owner = next((owner for start, owner in OWNERS.items() if name.startswith(start)), None)
    advice = f" On the Hub it is {owner}/{name}." if owner and name not in known else nearest(name, known)
    raise UserError(f"{name!r}: no such model in configs/models, no folder, and no Hub id (owner/name).{advice}")


def _read_model(file: Path) -> ModelConfig:
    mistakes: list[str] = []
    content = read_toml(file)
    model = checked(ModelConfig, content, f"{file}: ", mistakes)
    if isinstance(content.get("training"), dict):
        checked(Training, content["training"], f"{file}: training.", mistakes)
    if model is not None:
        model = _with_paths_from(file.parent, model)
        mistakes += [f"{file}: {line}" for line in _model_mistakes(model)]
    if mistakes or model is None:
        raise UserError(*mistakes)
    return model


def _model_mistakes(model: ModelConfig) -> Iterator[str]:
    families, checkpoint = FAMILIES.names(), model.checkpoint
    if model.family is not None and model.family not in families:
        yield f"family: {model.family!r}: no such model family.{nearest(model.family, families)}"
    from_hub = checkpoint and not checkpoint.startswith(("package:", *".~/")) and not Path(checkpoint).is_dir()
    if model.revision is not None and not from_hub:
        yield f"revision: only a checkpoint of the Hub has one (got {model.revision!r} for {checkpoint}). Leave it out."


def _with_paths_from(folder: Path, model: ModelConfig) -> ModelConfig:
    """The model, its relative folders made to start from `folder`."""
    names = {"checkpoint": model.checkpoint, "tokenizer": model.tokenizer}
    return model.model_copy(update={key: _path_from(folder, name) for key, name in names.items() if name})


def _path_from(folder: Path, name: str) -> str:
    if name != "trained" and (folder / name).is_dir():
        return str(folder / name)
    # Absolute, so that a folder that is missing can't be taken for a Hub id.
    return str((folder / name).absolute()) if name.startswith(("./", "../")) else name


def single_models(
    names: Iterable[str], overrides: Mapping[str, Any], *, where: str = "--set "
) -> dict[str, SingleModel]:
    """The models of single runs by name, each with its recipe.

    Args:
        names: As a user writes them.
        overrides: Settings of the user's, on top of each model's own.
        where: Where these stand, before a setting's name in an error.

    Raises:
        UserError: Every mistake in them.
    """
    mistakes: list[str] = []
    found = {}
    for name in names:
        with collected(mistakes):
            model = find_model(name)
            found[name] = model, recipe_for(model, overrides, where)
    if mistakes:
        raise UserError(*dict.fromkeys(mistakes))
    return found


def recipe_for(model: ModelConfig, overrides: Mapping[str, Any], where: str = "--set ") -> Training:
    """The recipe of a single run: the model's own, with `overrides` on top.

    Args:
        model: Its own recipe is the lowest layer.
        overrides: Settings of the user's.
        where: Where these stand, before a setting's name in an error.

    Raises:
        UserError: Every mistake in both.
    """
    mistakes: list[str] = []
    recipe = recipe_of({"training.": model.training, where: overrides}, mistakes)
    if recipe is None:
        raise UserError(*mistakes)
    return recipe
