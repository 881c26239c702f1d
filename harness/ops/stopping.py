"""Stop at a good place when asked to, by Ctrl-C or by the SIGTERM of a scheduler, instead of in the middle of work."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from threading import current_thread, main_thread
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """Whether to stop.

    Args:
        line: What to tell the user once it is asked; empty: nothing.

    Attributes:
        is_made: Whether it is asked.
        reader: A connection that has something to read as soon as it is asked.
    """

    def __init__(self, line: str) -> None:
        self.is_made = False
        self.reader, self._writer = Pipe(duplex=False)
        self._line = line

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Note a signal.

        Raises:
            KeyboardInterrupt: At a second Ctrl-C. A scheduler that repeats itself is not in more of a hurry.
        """
        if self.is_made:
            if number == signal.SIGINT:
                raise KeyboardInterrupt
            return
        self.is_made = True
        self._writer.send(number)
        if self._line:
            with suppress(RuntimeError, OSError):  # The stream may be in use right now, or closed.
                sys.stderr.write(f"{self._line}\n")

    def close(self) -> None:
        """Close the connection."""
        self.reader.close()
        self._writer.close()


@contextmanager
def stop_request(line: str = "") -> Iterator[StopRequest]:
    """Until the block is left, note Ctrl-C and SIGTERM, which then interrupt nothing.

    A process that ignores Ctrl-C, as one in the background does, goes on ignoring it. Threads other than the main one
    receive no signals, so in these nothing is ever asked.

    Args:
        line: What to tell the user once it is asked; empty: nothing.

    Raises:
        KeyboardInterrupt: Instead of any exception in the block after a stop was asked for: nothing else must start.
    """
    request, before = StopRequest(line), {}
    try:
        if current_thread() is main_thread():
            found = {number: signal.getsignal(number) for number in SIGNALS}
            before = {number: old for number, old in found.items() if old not in (signal.SIG_IGN, None)}
            for number in before:
                signal.signal(number, request.note)
        yield request
    except BaseException as error:
        if request.is_made and not isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, old in before.items():
            signal.signal(number, old)
        request.close()


@contextmanager
def stoppable() -> Iterator[None]:
    """Handle SIGTERM like Ctrl-C until the block is left."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
