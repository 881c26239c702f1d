"""What there is to name: tasks, model families, report formats and so on, each a file that is loaded when it is named.

An entry comes from one of three places:

1. The harness itself. Families, task types, optimizers, corpora and so on are modules of the package. Tasks, report
   formats and configurations lie in the folders `tasks/`, `reports/` and `configs/`: beside the package in a checkout,
   inside it once it is installed. These folders are no Python packages, so no other project's `tasks.py` stands in
   their way.
2. An installed package with an entry point, in one of the groups of `GROUPS`.
3. A folder that the user names, by `--entries FOLDER` or in the environment variable HARNESS_ENTRIES, with folders
   `tasks/`, `families/`, `reports/` and `configs/` in it.

A name that two places claim is an error that names both. Nothing is imported to list what there is.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.entry_points import package_of, points_of
from harness.errors import UserError, nearest, notice

ENTRIES = "HARNESS_ENTRIES"
PREFIX = "harness._entries."
GROUPS = ("harness.tasks", "harness.families", "harness.report_formats")
_INSTALLED = Path(__file__).parent / "_entries"
BUILT_IN = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent


@dataclass(frozen=True)
class Entry:
    """One thing that can be named.

    Attributes:
        name: What it is called.
        origin: Where it comes from, in a user's words.
        file: Its file; None for an entry point, whose file is known only once it is imported.
        built_in: Whether it comes with the harness.
        module: Imports its module. Code of a user's or a plug-in's may raise anything.
    """

    name: str
    origin: str
    file: Path | None
    built_in: bool
    module: Callable[[], Any]


@dataclass(frozen=True)
class Registry:
    """Entries of one sort.

    Attributes:
        noun: What an entry is called in messages, such as "task".
        attribute: The name that each file gives its entry.
        packages: Packages of the harness whose modules are entries.
        folder: The folder with entries, in `BUILT_IN` and in the folders that the user names; "": there is none.
        file: The name of the one file of each entry's folder (`reports/html/render.py`); "": the file has the entry's.
        group: The group of entry points; "": there is none.
        has: What every entry has, by which somebody else's is told from any other object.
    """

    noun: str
    attribute: str
    packages: tuple[str, ...] = ()
    folder: str = ""
    file: str = ""
    group: str = ""
    has: tuple[str, ...] = ()

    def entries(self) -> dict[str, list[Entry]]:
        """All claims of each name, in the order of precedence: built-in, plug-in, path. Nothing is imported."""
        found: dict[str, list[Entry]] = {}
        for entry in self._claims():
            found.setdefault(entry.name, []).append(entry)
        return found

    def names(self) -> list[str]:
        """The names that there are."""
        return list(self.entries())

    def entry(self, name: str) -> Entry:
        """The entry called `name`.

        Raises:
            UserError: There is none, or there are several; the message names the nearest one, or all of them.
        """
        claims = self.entries().get(name, [])
        if not claims:
            raise UserError(f"{name!r}: no such {self.noun}.{nearest(name, self.names())}")
        if len(claims) > 1:
            places = listed([claim.origin for claim in claims])
            raise UserError(f"{name!r}: {len(claims)} {self.noun}s of this name ({places}). Rename one.")
        return claims[0]

    def load(self, name: str) -> Any:
        """What the file of the entry called `name` gives.

        Raises:
            UserError: There is no such entry, or a user's or plug-in's code does not give one.
        """
        entry = self.entry(name)
        if entry.built_in:
            return getattr(entry.module(), self.attribute)
        try:
            module = entry.module()
        except UserError:
            raise
        except (Exception, SystemExit) as error:  # Code from elsewhere may raise anything.
            raise UserError(f"{entry.origin}: fails when imported ({type(error).__name__}: {error}).") from error
        if isinstance(module, ModuleType) and not hasattr(module, self.attribute):
            raise UserError(f"{entry.origin}: defines no `{self.attribute}`. Give the {self.noun} that name.")
        # An entry point may name the object itself.
        found = getattr(module, self.attribute) if isinstance(module, ModuleType) else module
        if not all(hasattr(found, name) for name in self.has):
            raise UserError(
                f"{entry.origin}: `{self.attribute}` is no {self.noun} (got {found!r}). See docs/extend.md."
            )
        return found

    def description(self, entry: Entry) -> str:
        """The first line of the entry's docstring; of a plug-in, where it comes from. Nothing is imported."""
        if entry.file is None:
            return entry.origin
        try:
            return (ast.get_docstring(_parsed(entry.file)) or "").split("\n")[0]
        except UserError as error:  # One broken file of a user's does not hide all that there is.
            return str(error)

    def constant(self, name: str, constant: str, default: Any) -> Any:
        """A constant of the entry's file, read without importing it where the harness brings the file."""
        entry = self.entry(name)
        if not entry.built_in:
            return getattr(self.load(name), constant.lower(), default)
        assert entry.file is not None
        for statement in _parsed(entry.file).body:
            if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == constant:
                return ast.literal_eval(statement.value)
        return default

    def _claims(self) -> Iterator[Entry]:
        for package in self.packages:
            yield from _modules(package, self.file)
        if self.folder:
            yield from _entries_below(BUILT_IN, self.folder, self.file, built_in=True)
        for point in points_of(self.group) if self.group else ():
            yield Entry(point.name, package_of(point), None, False, point.load)
        for root in entry_folders() if self.folder else ():
            yield from _entries_below(root, self.folder, self.file, built_in=False)


def entry_folders() -> list[Path]:
    """The folders of the user's own entries.

    Raises:
        UserError: One of them is not there.
    """
    folders = [Path(name).absolute() for name in os.environ.get(ENTRIES, "").split(os.pathsep) if name]
    lost = [folder for folder in folders if not folder.is_dir()]
    if lost:
        raise UserError(*(f"{folder}: no such folder of entries (--entries or {ENTRIES})." for folder in lost))
    return folders


def listed(origins: Sequence[object]) -> str:
    """The places that claim one name, in a line."""
    return " and ".join(map(str, origins))


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{file}: not Python ({error}). Fix the file.") from error
    except OSError as error:
        raise UserError(f"{file}: can't be read ({error.strerror}). Fix the file.") from error


@cache
def _modules(package: str, one_file: str) -> tuple[Entry, ...]:
    """The modules of a package of ours, folders as well; those that start with an underscore are no entries."""
    spec = find_spec(package)
    assert spec is not None, package
    assert spec.submodule_search_locations, package
    folder = Path(next(iter(spec.submodule_search_locations)))
    single = [] if one_file else folder.glob("[!_]*.py")
    files = sorted([*single, *folder.glob("[!_]*/__init__.py")])
    names = [file.parent.name if file.stem == "__init__" else file.stem for file in files]
    return tuple(
        Entry(name, str(file), file, True, partial(import_module, f"{package}.{name}"))
        for name, file in zip(names, files, strict=True)
    )


def _entries_below(root: Path, folder: str, one_file: str, *, built_in: bool) -> Iterator[Entry]:
    """The entries in a folder's files: each file, there or one folder down, or the one file of each folder."""
    top = root / folder
    files = [*top.glob(f"*/{one_file}")] if one_file else [*top.glob("*.py"), *top.glob("*/*.py")]
    for file in sorted(files):
        name = file.parent.name if one_file or file.stem == "__init__" else file.stem
        if not name.startswith("_") and file.parent.name != "__pycache__":
            yield Entry(name, str(file), file, built_in, partial(_imported, root, file))


def _imported(root: Path, file: Path) -> ModuleType:
    """The module in a file that lies in no package, under a name that nobody else's module has."""
    parts = file.relative_to(root).with_suffix("").parts
    package = file.name == "__init__.py"
    owner = "" if root == BUILT_IN else f"path_{sha256(str(root).encode()).hexdigest()[:8]}."
    name = PREFIX + owner + ".".join(parts[:-1] if package else parts)
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)] if package else None)
    assert spec is not None, file
    assert spec.loader is not None, file
    module = sys.modules[name] = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # The next attempt starts afresh.
        raise
    return module


TASKS = Registry("task", "task", folder="tasks", group="harness.tasks", has=("task_type", "source", "metrics"))
FORMATS = Registry(
    "report format", "render", folder="reports", file="render.py", group="harness.report_formats", has=("__call__",)
)
FAMILIES = Registry(
    "model family",
    "family",
    packages=("harness.models.families", "harness.models.baselines"),
    folder="families",
    group="harness.families",
    has=("load",),
)
TASK_TYPES = Registry("task type", "task_type", packages=("harness.task_types",), file="__init__.py")
CORPORA = Registry("corpus", "corpus", packages=("harness.pretraining.corpora",))
OBJECTIVES = Registry("objective", "objective", packages=("harness.pretraining.objectives",))
OPTIMIZERS = Registry("optimizer", "optimizer", packages=("harness.training.optimizers",))
SCHEDULES = Registry("learning rate schedule", "schedule", packages=("harness.training.schedules",))


def is_simple_baseline(family: str) -> bool:
    """Whether the family's models are fitted in one go, without a gradient or anything random.

    Raises:
        UserError: There is no such family.
    """
    entry = FAMILIES.entry(family)
    if entry.built_in:
        assert entry.file is not None
        return "baselines" in entry.file.parts[-3:]
    return hasattr(FAMILIES.load(family), "fit")


def baseline_settings(family: str) -> tuple[str, ...]:
    """Names of what a simple baseline reads of a recipe."""
    found: tuple[str, ...] = FAMILIES.constant(family, "TUNED_SETTINGS", ())
    return found


def family_names_by_model_type() -> Mapping[str, str]:
    """The family that knows each model_type of a config.json. Nothing of the harness's own is imported.

    A family from elsewhere that can't be imported is reported, and blocks no other model.
    """
    found: dict[str, str] = {}
    for name in FAMILIES.names():
        try:
            known = FAMILIES.constant(name, "MODEL_TYPES", ())
        except UserError as error:
            notice(str(error))
            continue
        for model_type in known:
            found.setdefault(model_type, name)
    return found
