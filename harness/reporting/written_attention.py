"""Where the decoders of the best models look in a source as they write: a map each, and the same in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from harness.comparison.formatting import share
from harness.error_analysis.answered import AnsweredTask, ModelAnswers
from harness.reporting.charts.heat_map import heat_map
from harness.reporting.entries import Entry, Table
from harness.reporting.samples import MOST_MODELS
from harness.sample_attention import COLUMN, MOST_TOKENS, SampleAttention, recorded

MOST_LOOKED_AT = 3
NOTE = (
    "Attention maps: how much of its attention the decoder gives to each token of a source as it writes each token of "
    "its text, whose end is a token too (Bahdanau et al. 2015, figure 3; Vaswani et al. 2017, section 3.2.3). They "
    "are means over all heads of all layers, as no single layer is the one that aligns in every model. They show "
    "where a model looks, and not by themselves why it writes what it does."
)
MISSING = (
    "No map: {models}. Language models read source and text as one, so they have no attention to a source alone; "
    f"encoder–decoders have a map if the source of an example above has at most {MOST_TOKENS} tokens, unless an "
    "earlier version made the run."
)


@dataclass(frozen=True, slots=True)
class AttentionMap:
    """The attention of a model on one of the examples that are shown.

    Attributes:
        model: The name of the model.
        caption: What is drawn.
        drawn: The map.
        in_words: The source's tokens that each written token looks at most.
    """

    model: str
    caption: str
    drawn: Markup
    in_words: Table


def attention_maps(task: AnsweredTask, classes: Mapping[str, str]) -> tuple[AttentionMap, ...]:
    """The recorded maps of the models whose texts are shown, from the same run."""
    found = ((model.model, _recorded(model)) for model in task.models[:MOST_MODELS])
    return tuple(_map(model, one, classes.get(model, "")) for model, one in found if one is not None)


def notes(task: AnsweredTask, maps: tuple[AttentionMap, ...]) -> Iterator[str]:
    """Yield how to read maps, and which models have none; nothing if no model has one."""
    if not maps:
        return
    drawn = {one.model for one in maps}
    others = [one.model for one in task.models[:MOST_MODELS] if one.model not in drawn and not one.is_simple_baseline]
    yield NOTE
    if others:
        yield MISSING.format(models=", ".join(others))


def _recorded(model: ModelAnswers) -> SampleAttention | None:
    table = model.answers.tables[0]
    fields = table[COLUMN].to_pylist() if COLUMN in table.column_names else []
    return next((found for field in fields if (found := recorded(field)) is not None), None)


def _map(model: str, found: SampleAttention, class_: str) -> AttentionMap:
    left_out = found.written_in_all - len(found.written)
    caption = "rows: written tokens, from the top; columns: the source's; the strongest shade is " + (
        share(max(map(max, found.weights))) + (f"; not shown: {left_out} more written tokens" if left_out else "")
    )
    description = f"Attention of {model}: a heat map, with the same in words below it"
    drawn = heat_map(found.written, found.tokens, found.weights, description=description, class_=class_)
    rows = tuple(
        (Entry(f"{number}. {token}"), Entry(_most(found.tokens, weights)))
        for number, (token, weights) in enumerate(zip(found.written, found.weights, strict=True), start=1)
    )
    table = Table(f"{model}: what the decoder looks at most", ("Written", "Tokens of the source, by attention"), rows)
    return AttentionMap(model, caption, drawn, table)


def _most(tokens: tuple[str, ...], weights: tuple[float, ...]) -> str:
    places = sorted(range(len(tokens)), key=lambda place: -weights[place])[:MOST_LOOKED_AT]
    return ", ".join(f"{tokens[place]} ({share(weights[place])})" for place in places)
