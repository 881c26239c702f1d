"""Called by mkdocs: adds the pages that are made from the code, and their places in the navigation."""

from __future__ import annotations

from typing import Any

from docs.generate.entries import index_page, model_pages, suite_pages, task_pages
from docs.generate.settings import settings_page

CONTRACTS = {
    "Tasks": "harness.data.task",
    "Sources of rows": "harness.data.sources",
    "Task types": "harness.task_types.contract",
    "Metrics": "harness.metrics.metric",
    "Records": "harness.record",
    "Comparisons": "harness.comparison.results",
    "Registry": "harness.registry",
}
REFERENCE = {"settings": "Settings", "python": "Python interface", "contracts": "Contracts"}
INTERFACE_PAGE = """\
# Python interface

::: harness
    options:
      show_submodules: false
"""


def pages() -> dict[str, str]:
    """The Markdown of every generated page, by its path in the site."""
    found = {
        "reference/settings.md": settings_page(),
        "reference/python.md": INTERFACE_PAGE,
        "reference/contracts.md": contracts_page(),
    }
    sections = {
        "tasks": ("Tasks", "What is learnt, from which data, and how it is scored.", task_pages()),
        "models": ("Models", "The files of `configs/models`. Any Hub id or folder is a model, too.", model_pages()),
        "suites": ("Suites", "The files of `configs/suites`: models x tasks x seeds.", suite_pages()),
    }
    for folder, (title, introduction, entries) in sections.items():
        found[f"{folder}/index.md"] = index_page(title, introduction, entries)
        found |= {f"{folder}/{name}.md": page for name, page in entries.items()}
    return found


def contracts_page() -> str:
    """The modules that an extension is written against, their docstrings to be filled in by mkdocstrings."""
    parts = [f"## {title}\n\n::: {module}" for title, module in CONTRACTS.items()]
    return "\n\n".join(["# Contracts", "What an extension is written against.", *parts]) + "\n"


def on_config(config: Any) -> Any:
    """Put the generated pages behind those that mkdocs.yml names."""
    config.nav.append({"Reference": [{title: f"reference/{name}.md"} for name, title in REFERENCE.items()]})
    for title, entries in (("Tasks", task_pages()), ("Models", model_pages()), ("Suites", suite_pages())):
        folder = title.lower()
        config.nav.append({title: [f"{folder}/index.md", *(f"{folder}/{name}.md" for name in entries)]})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages to those that lie in docs/."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files
