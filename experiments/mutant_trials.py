"""Test mutants in forks: of a pytest session that has collected the tests, or of a process that has not.

A mutant inside a function uses the first kind of fork, where only the function's code is replaced; this costs
milliseconds on top of the tests. Code that runs while modules are imported (a constant, a default, a function that
makes one) needs the second kind of fork, which imports the module again.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Protocol, TextIO

import pytest

from experiments.reached import EVERY_TIME, Only, Reached, files_of

LONGER = 2  # A mutant whose tests take so many times as long as under the tracer is noticed, too, ...
SECONDS = 10  # ... and so much more, for imports.
PATIENCE = 20  # So many times as long it may take by the clock, on a busy machine.
DEADLY = 1  # The exit code of a fork that failed itself: no verdict on a mutant.


class Changed(Protocol):
    """A file of the checkout with one change; `function` is the one that the change is in, "" outside of any."""

    file: str
    function: str
    place: str
    source: str

    def code(self) -> CodeType:
        """The changed module, compiled."""
        ...


class Session:
    """A plugin of pytest that tries mutants on the tests that were collected, instead of running these.

    Attributes:
        failed: A test that fails without a mutant; "" where none does.
        survivors: The numbers of the mutants that no test noticed.
        outside: The numbers of those that can't be tried in a process that has imported their module.
        tests: Of each "file: function" the tests that run it, the quickest first.
        duration: How many seconds of the processor each test takes under the tracer.
    """

    def __init__(self, root: Path, mutants: Sequence[Changed], seconds: float, progress: TextIO) -> None:
        self.failed = ""
        self.survivors: list[int] = []
        self.outside: list[int] = []
        self.tests: dict[str, list[str]] = {}
        self.duration: dict[str, float] = {}
        self._root, self._mutants, self._seconds, self._progress = root, mutants, seconds, progress
        self._reached = Reached(root)
        self._noticed: set[str] = set()

    def pytest_sessionstart(self) -> None:
        """Trace what is run while tests are collected."""
        self._reached.pytest_sessionstart()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests once to see what they run, then try each mutant."""
        told = in_fork(lambda: self._run_traced(session))
        self._reached.pytest_sessionfinish()
        self.failed, self.tests, self.duration = told
        if self.failed:
            return True
        at_import = {place for place, tests in self._reached.tests.items() if "" in tests}
        functions = _functions_by_code(f"{self._root / mutant.file}" for mutant in self._mutants)
        gc.freeze()
        items = {item.nodeid: item for item in session.items}
        for number, mutant in enumerate(self._mutants):
            changes = _changes(self._root, mutant, functions)
            if not changes or f"{mutant.file}: {mutant.function}" in at_import:
                self.outside.append(number)
                continue
            chosen = self.chosen(mutant)
            run = partial(_tried, session, [items[identity] for identity in chosen], changes, self.limit(chosen))
            failed = in_fork(run)
            if failed == "":
                self.survivors.append(number)
                print(f"survives: {mutant.place}", file=self._progress, flush=True)
            elif failed:
                self._noticed.add(failed)
        return True

    def chosen(self, mutant: Changed) -> list[str]:
        """The tests that run the mutant's function or, outside of functions, any of its file's.

        Those come first that noticed a mutant before, then the module's own, then the quickest; as many as take the
        seconds that are allowed.
        """
        if mutant.function:
            tests: Iterable[str] = self.tests.get(f"{mutant.file}: {mutant.function}", ())
        else:
            tests = dict.fromkeys(
                test for place, found in self.tests.items() if place.startswith(f"{mutant.file}: ") for test in found
            )
        stem, left, found = Path(mutant.file).stem, self._seconds, []
        for test in sorted(tests, key=lambda one: (one not in self._noticed, stem not in one.split("::")[0])):
            if self.duration[test] <= left or not found:
                left -= self.duration[test]
                found.append(test)
        return found

    def limit(self, tests: Iterable[str]) -> int:
        """How many seconds of the processor they may take."""
        return SECONDS + round(LONGER * sum(self.duration[test] for test in tests))

    def _run_traced(self, session: pytest.Session) -> tuple[str, dict[str, list[str]], dict[str, float]]:
        session.config.pluginmanager.register(self._reached)
        failed = _first_failure(session, session.items)
        self._reached.pytest_sessionfinish()
        return failed, self._reached.of(), self._reached.seconds


def tried(root: Path, tests: Sequence[str], mutants: Sequence[Changed], seconds: float) -> list[Changed]:
    """The mutants that none of the fast tests in these files notice; exits where a test fails without a mutant.

    Args:
        root: The checkout.
        tests: Files or folders.
        mutants: What to try.
        seconds: How much time of the processor the tests of a mutant may take, as measured under the tracer.
    """
    progress = os.fdopen(os.dup(sys.stderr.fileno()), "w")  # What pytest can't capture.
    session = Session(root, mutants, seconds, progress)

    def run() -> Any:
        code = _pytest(tests, session)
        return session.failed or code, session.survivors, session.outside, session.tests, session.duration

    failed, survivors, outside, session.tests, session.duration = in_fork(run)
    if failed:
        sys.exit(f"{', '.join(tests)}: without a mutant, pytest ends with {failed}.")
    for number in outside:
        chosen = session.chosen(mutants[number])
        if in_fork(partial(_tried_anew, root, mutants[number], chosen, session.limit(chosen))) == 0:
            survivors.append(number)
            print(f"survives: {mutants[number].place}", file=progress, flush=True)
    return [mutants[number] for number in sorted(survivors)]


def in_fork(work: Callable[[], Any]) -> Any:
    """What a function gives in a fork of this process, by JSON; None where a signal ended it, such as of its limits."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as answer:
        child = os.fork()
        if child == 0:
            code = DEADLY
            try:
                json.dump(work(), answer)
                answer.flush()
                code = 0
            except BaseException:
                traceback.print_exc(file=sys.__stderr__)
            finally:
                os._exit(code)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DEADLY:
            message = "a fork failed by itself"
            raise RuntimeError(message)
        answer.seek(0)
        return json.loads(answer.read() or "null")


def _pytest(words: Sequence[str], plugin: object) -> int:
    """The exit code of the fast tests in these files."""
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    # Asserts as Python has them: pytest would read a file with doctests itself to rewrite them, and miss the mutant.
    how = ("-x", "-q", "--tb=native", "-n", "0", "-p", "no:cacheprovider", "--assert=plain")
    return int(pytest.main([*how, "-m", "not slow and not network and not gpu", *words], plugins=[plugin]))


def _limit_time(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    signal.alarm(PATIENCE * seconds)


def _tried(
    session: pytest.Session, items: Sequence[pytest.Item], changes: Mapping[FunctionType, CodeType], seconds: int
) -> str:
    """The test that fails first with some functions' code exchanged; "" where none does."""
    _limit_time(seconds)
    for function, code in changes.items():
        function.__code__ = code
    return _first_failure(session, items)


def _tried_anew(root: Path, mutant: Changed, tests: Sequence[str], seconds: int) -> int:
    """The exit code of tests with the mutant imported; each file is imported only if those before let it live."""
    _limit_time(seconds)
    path, code = str(root / mutant.file), mutant.code()
    usual = SourceFileLoader.get_code
    SourceFileLoader.get_code = lambda self, name: code if self.path == path else usual(self, name)  # type: ignore
    for file in files_of(tests):
        if failed := _pytest([file], Only([test for test in tests if test.startswith(f"{file}::")])):
            return failed
    return 0


def _first_failure(session: pytest.Session, items: Sequence[pytest.Item]) -> str:
    """The test among them that fails first; "" where all pass."""
    for item, following in zip(items, [*items[1:], None], strict=False):  # Of no items, none follows.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return item.nodeid
    return ""


def _functions_by_code(files: Iterable[str]) -> dict[CodeType, list[FunctionType]]:
    """The functions that there are now, by their code."""
    gc.unfreeze()  # What is frozen, as by our tests, is not told.
    wanted, found = set(files), {}
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename in wanted:
            found.setdefault(one.__code__, []).append(one)
    return found


def _changes(
    root: Path, mutant: Changed, functions: Mapping[CodeType, Sequence[FunctionType]]
) -> dict[FunctionType, CodeType]:
    """The code that each function has in the mutant, where it is another one; none where it is not in a function."""
    usual = _functions_in(compile(mutant.source, str(root / mutant.file), "exec", dont_inherit=True))
    return {
        function: new
        for old, new in zip(usual, _functions_in(mutant.code()), strict=True)
        if old != new
        for function in functions.get(old, ())
    }


def _functions_in(code: CodeType) -> list[CodeType]:
    """The code of a module's functions and of its classes' ones."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [found for one in inner for found in ([one] if one.co_flags & EVERY_TIME else _functions_in(one))]
