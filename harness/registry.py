"""A registry is a folder: each file in it is one entry, imported only when it is asked for."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from harness.errors import UserError, nearest

CONFIGS = Path(__file__).parent.parent / "configs"


@dataclass(frozen=True)
class Registry:
    """The modules of a package, by name.

    Attributes:
        noun: What an entry is called in messages, such as "task".
        package: The dotted name of the package whose files are the entries.
        attribute: The name that each module gives its entry.
        nested: Whether the entries lie one folder further down (`tasks/classification/boolq.py`).
    """

    noun: str
    package: str
    attribute: str
    nested: bool = False

    def files(self) -> dict[str, Path]:
        """The file of each entry, by the entry's name. Nothing is imported."""
        found: dict[str, Path] = {}
        for file in sorted(self._folder().glob("*/*.py" if self.nested else "*.py")):
            if not file.stem.startswith("_"):
                assert file.stem not in found, f"two files for one name: {found[file.stem]} and {file}"
                found[file.stem] = file
        if not self.nested:
            found |= {file.parent.name: file for file in sorted(self._folder().glob("[!_]*/__init__.py"))}
        return found

    def load(self, name: str) -> Any:
        """The entry called `name`.

        Raises:
            UserError: There is no such entry; the message names the nearest one.
        """
        files = self.files()
        if name not in files:
            raise UserError(f"{name!r}: no such {self.noun}.{nearest(name, files)}")
        file = files[name]
        parts = [file.parent.name, name] if self.nested else [name]
        return getattr(import_module(".".join([self.package, *parts])), self.attribute)

    def description(self, name: str) -> str:
        """The first line of the entry's docstring. Nothing is imported."""
        tree = ast.parse(self.files()[name].read_text(encoding="utf-8"))
        return (ast.get_docstring(tree) or "").split("\n")[0]

    def _folder(self) -> Path:
        spec = find_spec(self.package)
        assert spec is not None, self.package
        assert spec.submodule_search_locations, self.package
        return Path(next(iter(spec.submodule_search_locations)))


TASKS = Registry("task", "tasks", "task", nested=True)
FAMILIES = Registry("model family", "harness.models", "family")
KINDS = Registry("kind of task", "harness.kinds", "kind")
CORPORA = Registry("corpus", "harness.corpora", "corpus")
OBJECTIVES = Registry("objective", "harness.pretraining.objectives", "objective")
FORMATS = Registry("report format", "reports.formats", "render")


def is_floor(family: str) -> bool:
    """Whether the family's models are fitted in one go, without a gradient or anything random.

    Raises:
        UserError: There is no such family.
    """
    return hasattr(FAMILIES.load(family), "fit")
