"""Claim: a folder is one process's alone, on its machine and among machines that share a disk.

On one machine it is a lock on the folder (`flock`), which goes with the process, however that ends. Such a lock says
nothing to other machines, and some disks know none (NFS locks no folder). So there is also a file in the folder, made
by a hard link, which is atomic on a shared disk as well. It names its owner, which touches it as long as it lives: a
claim that nobody touched for some minutes, or whose process is gone from this machine, is taken away.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psutil

from harness.errors import UserError, notice

CLAIM, TAKEOVER = ".claim", ".claim.takeover"
TOUCHED_SECONDS = 15.0  # How often an owner gives a sign.
GIVEN_UP_SECONDS = 180.0  # Without one; some disks show a sign a minute late.
_BUSY = (errno.EWOULDBLOCK, errno.EACCES)
_held: dict[Path, _Sign] = {}  # By folder, of this process.


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Whether the folder is this process's alone until the block ends; False: another one is at it.

    Where a disk knows neither locks nor links nor exclusive files, a line on the standard error says so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    opened = os.open(folder, os.O_RDONLY)
    try:
        locked = _locked(opened)
        if locked is False:
            yield False
            return
        with _file_claimed(folder, locked=locked is True) as ours:
            yield ours
    finally:
        os.close(opened)


def check_claim(folder: Path) -> None:
    """Check that nobody took away the claim that this process has on a folder, while it stood still.

    Raises:
        UserError: Somebody did.
    """
    sign = _held.get(folder.absolute())
    if sign is not None and not sign.holds():
        raise UserError(
            f"{folder}: another machine took over this run, because this process gave no sign of life for "
            f"{GIVEN_UP_SECONDS:.0f} "
            "seconds. Nothing of it is kept."
        )


def has_claim(folder: Path) -> bool:
    """Whether there is a claim on a folder, or a part of one: of a process that lives, or of one that was killed."""
    return any(folder.glob(f"{CLAIM}*"))


@contextmanager
def _file_claimed(folder: Path, *, locked: bool) -> Iterator[bool]:
    claim, owner = folder / CLAIM, _this_process()
    try:
        ours = _made(claim, owner) or _taken_over(claim, owner, locked=locked)
    except OSError as error:
        if not locked:
            notice(
                f"{folder}: this disk has no locks to keep two commands apart ({error.strerror or error}). "
                "Make sure that no other command does the same run."
            )
        yield True
        return
    if not ours:
        yield False
        return
    _sweep(folder, locked=locked)
    sign = _held[folder.absolute()] = _Sign(claim, owner)
    try:
        yield True
    finally:
        del _held[folder.absolute()]
        sign.end()


class _Sign:
    """Touches a claim now and then, so that other machines see that its owner lives."""

    def __init__(self, claim: Path, owner: dict[str, Any]) -> None:
        self._claim, self._owner, self._ended = claim, owner, Event()
        self._thread = Thread(target=self._go_on, name="claim", daemon=True)
        self._thread.start()

    def holds(self) -> bool:
        """Whether the claim is still there, and this process's."""
        return _read(self._claim) == self._owner

    def end(self) -> None:
        """Give the claim up, if it is still this process's."""
        self._ended.set()
        self._thread.join()
        if self.holds():
            self._claim.unlink(missing_ok=True)

    def _go_on(self) -> None:
        while not self._ended.wait(TOUCHED_SECONDS):
            with suppress(OSError):  # A disk may be away for a while.
                if self.holds():
                    os.utime(self._claim)


def _locked(folder: int) -> bool | None:
    """Whether the open folder is locked now; None where this disk locks no folder."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _BUSY else None
    return True


def _this_process() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "claim": uuid4().hex,
    }


def _machine() -> str:
    """What processes that see each other have in common: the system that was started, and its process numbers."""
    boot, numbers = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts += [boot.read_text().strip(), str(numbers.readlink())]
    return " ".join(parts)


def _made(file: Path, owner: dict[str, Any]) -> bool:
    """Make a file that names its owner; False: there is one.

    Raises:
        OSError: None can be made here.
    """
    beside = file.with_name(f"{CLAIM}.{owner['claim']}")
    try:
        beside.write_text(json.dumps(owner))
        file.hardlink_to(beside)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        return _made_without_links(file, owner)
    finally:
        beside.unlink(missing_ok=True)
    return True


def _made_without_links(file: Path, owner: dict[str, Any]) -> bool:
    try:
        with file.open("x") as stream:
            json.dump(owner, stream)
    except FileExistsError:
        return False
    return True


def _taken_over(claim: Path, owner: dict[str, Any], *, locked: bool) -> bool:
    """Take away the claim of a process that is gone, and make this one's; of several at once, one alone may."""
    if not _is_given_up(claim, locked=locked):
        _tell(claim)
        return False
    takeover = claim.with_name(TAKEOVER)
    if not _made(takeover, owner):
        if _age(takeover) > GIVEN_UP_SECONDS:
            takeover.unlink(missing_ok=True)  # By a process that was killed just here; the next command goes on.
        return False
    try:
        if _is_given_up(claim, locked=locked):
            claim.unlink(missing_ok=True)
        return _made(claim, owner)
    finally:
        takeover.unlink(missing_ok=True)


def _sweep(folder: Path, *, locked: bool) -> None:
    """Remove what processes that were killed left beside their claims."""
    for file in folder.glob(f"{CLAIM}.*"):
        if file.name != TAKEOVER and _is_given_up(file, locked=locked):
            file.unlink(missing_ok=True)


def _is_given_up(claim: Path, *, locked: bool) -> bool:
    """Whether nobody stands behind a claim any more.

    Args:
        claim: The file.
        locked: Whether this process has the folder's lock, so that no other one of this machine can be at it.
    """
    owner = _read(claim)
    if owner is not None and owner.get("machine") == _machine() and (locked or not _is_alive(owner.get("pid"))):
        return True
    return _age(claim) > GIVEN_UP_SECONDS


def _is_alive(process: object) -> bool:
    """Whether there is such a process here, or another one that got its number: that touches no claim."""
    return isinstance(process, int) and 0 < process < 2**31 and psutil.pid_exists(process)


def _age(file: Path) -> float:
    """Seconds since a file was touched, or until then, by the clock of its disk; infinite where it is gone."""
    probe = file.with_name(f"{CLAIM}.{uuid4().hex}")
    try:
        probe.touch()
        return abs(probe.stat().st_mtime - file.stat().st_mtime)
    except FileNotFoundError:
        return float("inf")
    finally:
        probe.unlink(missing_ok=True)


def _read(claim: Path) -> dict[str, Any] | None:
    """The owner that a claim names; None where it names none."""
    try:
        owner = json.loads(claim.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return owner if isinstance(owner, dict) else None


def _tell(claim: Path) -> None:
    """Say which machine has a claim, if it is not this one."""
    owner = _read(claim) or {}
    if owner.get("machine") != _machine():
        notice(
            f"{claim.parent}: another machine is working on it ({owner.get('host', 'unnamed')!s:.60}, whose last "
            f"sign was {_age(claim):.0f} s ago). It is free {GIVEN_UP_SECONDS:.0f} s after the last one."
        )
