"""Which tests run which functions of a folder, and how long each takes: a pytest plugin that traces calls.

A fixture that several tests share runs in one of them, and counts for all that use it. Code at the top level of a
module or class runs once, and counts for all tests that run anything of the module.
"""

from __future__ import annotations

import inspect
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import process_time
from types import FrameType
from typing import Any

import pytest

EVERY_TIME = inspect.CO_OPTIMIZED
"""What the code of functions has, and that of modules and classes has not."""

FIXTURE = "fixture "


class Reached:
    """Notes while tests run which functions each runs.

    Attributes:
        tests: Of each "file: function", the file below the folder, the tests' ids; "" where it is run outside of tests,
            or once for all of them.
        seconds: How much time of the processor each test took.
    """

    def __init__(self, folder: Path) -> None:
        self.tests: defaultdict[str, set[str]] = defaultdict(set)
        self.seconds: dict[str, float] = {}
        self._folder, self._at = f"{folder}/", ""
        self._of_fixtures: defaultdict[str, set[str]] = defaultdict(set)

    def pytest_sessionstart(self) -> None:
        """Begin."""
        sys.settrace(self._called)

    def pytest_sessionfinish(self) -> None:
        """End."""
        sys.settrace(None)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[Any]:
        """Note for a test what is run until it is torn down."""
        self._at, began = item.nodeid, process_time()
        found = yield
        self.seconds[item.nodeid] = process_time() - began
        self._at = ""
        for name in item.fixturenames if hasattr(item, "fixturenames") else ():
            self._of_fixtures[name].add(item.nodeid)
        return found

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Iterator[Any]:
        """Note for a fixture what is run to set it up, where tests share it."""
        before = self._at
        if fixturedef.scope != "function":
            self._at = FIXTURE + fixturedef.argname
        try:
            return (yield)
        finally:
            self._at = before

    def of(self) -> dict[str, list[str]]:
        """Of each "file: function" the ids of the tests that run it, the quickest first."""
        tests = {place: {test for at in found for test in self._tests_at(at)} for place, found in self.tests.items()}
        by_file: defaultdict[str, set[str]] = defaultdict(set)
        for place, found in tests.items():
            by_file[place.split(": ")[0]] |= found
        for place, found in self.tests.items():
            if "" in found:
                tests[place] = by_file[place.split(": ")[0]] or {*self.seconds}
        return {place: sorted(found, key=lambda test: (self.seconds[test], test)) for place, found in tests.items()}

    def _tests_at(self, place: str) -> set[str]:
        """The test itself, or all that ask for a fixture; none outside of both."""
        if place.startswith(FIXTURE):
            return self._of_fixtures[place.removeprefix(FIXTURE)]
        return {place} if place else set()

    def _called(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(self._folder):
            file = code.co_filename.removeprefix(self._folder)
            for name in code.co_qualname.split("."):
                self.tests[f"{file}: {name}"].add(self._at if code.co_flags & EVERY_TIME else "")


class Only:
    """Leaves some of the tests to be run, in their order."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._places = {identity: place for place, identity in enumerate(ids)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Take them out of all that were collected."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self._places), key=lambda item: self._places[item.nodeid]
        )


def files_of(ids: Iterable[str]) -> list[str]:
    """The files that tests are in.

    >>> files_of(["tests/test_a.py::test_one[x::y]", "tests/test_a.py::test_two"])
    ['tests/test_a.py']
    """
    return list(dict.fromkeys(identity.split("::")[0] for identity in ids))
