"""Has a process hold where a test wants it, so that no test has to be quick to find it there.

Python imports a module of this name as it starts, if its folder is on PYTHONPATH; `subprocesses.held` sees to that. The
process makes a file or folder whose path matches a pattern, says so, and does nothing until a signal comes.
"""

import os
import select
import signal
import sys
import threading
from fnmatch import fnmatch
from pathlib import Path

PLACE, PATTERN, TIMES = "HELD_PLACE", "HELD_PATTERN", "HELD_TIMES"
"""Environment variables: the folder in which a process says that it holds, and for which time of the path it does."""
_MADE = {"os.mkdir": 0, "os.rename": 1}  # What Python tells of beforehand, and which argument is the path.


class _Holding:
    """Called with all that Python tells of; what comes after the path was told of finds it there."""

    def __init__(self) -> None:
        self.left, self.path, self.is_busy = int(os.environ.get(TIMES, "1")), "", False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.is_busy or not event.startswith(("open", "os.", "shutil.")):
            return
        self.is_busy = True
        try:
            if self.path and Path(self.path).exists() and _may_hold():
                self.path = ""
                _hold()
            if self.left and event in _MADE and fnmatch(str(arguments[_MADE[event]]), os.environ[PATTERN]):
                self.left -= 1
                self.path = "" if self.left else str(arguments[_MADE[event]])
        finally:
            self.is_busy = False


def _may_hold() -> bool:
    return threading.current_thread() is threading.main_thread() and Path(os.environ[PLACE]).is_dir()


def _hold() -> None:
    """Wait for a signal that has a handler, which may come as soon as the others know of the process."""
    woken, waking = os.pipe()
    os.set_blocking(waking, False)
    told, going_on = signal.set_wakeup_fd(waking), signal.signal(signal.SIGCONT, lambda *_: None)
    try:
        Path(os.environ[PLACE], str(os.getpid())).touch()
        select.select([woken], [], [])
    finally:
        signal.set_wakeup_fd(told)
        signal.signal(signal.SIGCONT, going_on)
        for end in (woken, waking):
            os.close(end)


if PATTERN in os.environ:
    sys.addaudithook(_Holding())
