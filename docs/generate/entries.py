"""One page per task, model and suite, out of the registry and the files that define them."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from harness.data.sources import Files, Generated, Hub, Packaged
from harness.data.task import Task
from harness.metrics.lookup import find_metric, metric_name
from harness.registry import BUILT_IN, TASKS, Entry

CONFIGS = BUILT_IN / "configs"


def task_pages() -> dict[str, str]:
    """The page of each task that comes with the harness, by its name."""
    entries = (TASKS.entry(name) for name in sorted(TASKS.names()))
    return {entry.name: _task_page(entry) for entry in entries if entry.built_in}


def model_pages() -> dict[str, str]:
    """The page of each file of configs/models, by its name."""
    return {file.stem: _model_page(file) for file in sorted((CONFIGS / "models").glob("*.toml"))}


def suite_pages() -> dict[str, str]:
    """The page of each file of configs/suites, by its name."""
    return {file.stem: _suite_page(file) for file in sorted((CONFIGS / "suites").glob("*.toml"))}


def index_page(title: str, introduction: str, pages: Mapping[str, str]) -> str:
    """A table of pages: each one's name and what its first line of text says."""
    rows = [[f"[{name}]({name}.md)", _first_words(page)] for name, page in pages.items()]
    return f"# {title}\n\n{introduction}\n\n{_table(['name', 'what it is'], rows)}\n"


def _task_page(entry: Entry) -> str:
    assert entry.file is not None, "only built-in tasks have a page"
    task: Task = TASKS.load(entry.name)
    docstring = ast.get_docstring(ast.parse(entry.file.read_text(encoding="utf-8"))) or ""
    columns = {role: ", ".join(f"`{name}`" for name in task.columns_of(role)) for role in task.type.columns}
    facts = {
        "task type": f"`{task.task_type}`",
        "data": _source(task.source),
        "columns": "; ".join(f"{role}: {names}" for role, names in columns.items()),
        "labels": ", ".join(f"`{label}`" for label in task.labels) or "taken from the training data, where it has any",
        "rows that belong together": f"those with the same `{task.group}`" if task.group else "none",
        "metrics": ", ".join(map(_metric, task.metrics)),
        "licence": task.licence,
        "source": task.citation,
    }
    command = f"harness run --task {entry.name} --model minilm"
    return _page(entry.name, docstring, _facts(facts), _block("console", f"$ {command}"), _file(entry.file))


def _model_page(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    family = tomllib.loads(text).get("family", "found from the checkpoint")
    card = CONFIGS / "models" / file.stem / "README.md"
    parts = [_first_comment(text), _facts({"family": f"`{family}`"}), _block("toml", text), _file(file)]
    if card.is_file():
        parts.append(_as_section(card.read_text(encoding="utf-8")))
    return _page(file.stem, *parts)


def _suite_page(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    suite = tomllib.loads(text)
    facts = {
        "tasks": _links(suite["tasks"], "tasks", TASKS.names()),
        "models": _links(suite["models"], "models", [found.stem for found in (CONFIGS / "models").glob("*.toml")]),
        "baseline": f"`{suite['baseline']}`" if "baseline" in suite else "–",
        "seeds": _seeds(suite.get("seeds", (0, 1, 2))),
    }
    command = f"$ harness plan {file.stem}\n$ harness run {file.stem}"
    first = _first_comment(text)
    return _page(
        file.stem, first, suite.get("description", ""), _facts(facts), _block("console", command), _block("toml", text)
    )


def _seeds(seeds: Any) -> str:
    if isinstance(seeds, dict):
        return f"{seeds['start']} to {seeds['most']}, until the comparisons are decided"
    return ", ".join(map(str, seeds))


def _source(source: Any) -> str:
    if isinstance(source, Hub):
        config = f", configuration `{source.config}`" if source.config else ""
        return f"the Hub's `{source.path}`{config}, revision `{source.revision or 'newest'}`"
    if isinstance(source, Packaged):
        return f"the package `{source.distribution}` (`make samples`)"
    if isinstance(source, Generated):
        return "a generator, always the same"
    assert not isinstance(source, Files), "no task that is shipped reads a user's files"
    return "a download; its file says which"


def _metric(name: str) -> str:
    better = "higher" if find_metric(name).higher_is_better else "lower"
    return f"{metric_name(name)} (`{name}`, {better} is better)"


def _links(names: Iterable[str], folder: str, known: Iterable[str]) -> str:
    pages = set(known)
    return ", ".join(f"[{name}](../{folder}/{name}.md)" if name in pages else f"`{name}`" for name in names)


def _as_section(card: str) -> str:
    """A model card below a page's heading: without its front matter, its headings one level down."""
    body = re.sub(r"\A---\n.*?\n---\n\s*# [^\n]*", "", card, flags=re.DOTALL).strip()
    return "## Model card\n\n" + re.sub(r"^#+ .*", lambda heading: f"#{heading[0]}", body, flags=re.MULTILINE)


def _file(file: Path) -> str:
    return f"Defined in `{file.relative_to(BUILT_IN)}`."


def _first_comment(text: str) -> str:
    return text.split("\n")[0].removeprefix("#").strip()


def _first_words(page: str) -> str:
    return page.split("\n\n")[1].split("\n")[0].replace("|", "\\|")


def _facts(facts: Mapping[str, str]) -> str:
    return _table(["", ""], [[name, fact.replace("|", "\\|")] for name, fact in facts.items()])


def _table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    headings = list(headings)
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", *(part for part in parts if part)]) + "\n"
