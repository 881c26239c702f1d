"""Claim: exclusive use of a folder by one process, on its machine and among machines that share a disk.

On one machine it is a lock on the folder (`flock`), which ends with the process, however that happens. Other machines
don't see such a lock, and some disks support none (NFS locks no folder). So there is also a file in the folder, made by
a hard link, which is atomic on a shared disk as well. It names its owner, which touches it while it lives: a claim that
was not touched for some minutes, or whose process no longer exists on this machine, is removed.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psutil

from harness.errors import UserError, notice

CLAIM, TAKEOVER = ".claim", ".claim.takeover"
TOUCHED_SECONDS = 15.0  # How often an owner touches its claim.
GIVEN_UP_SECONDS = 180.0  # Without a touch; some disks show it a minute late.
_BUSY = (errno.EWOULDBLOCK, errno.EACCES)
_held: dict[Path, _Sign] = {}  # By folder, of this process.


@contextmanager
def claimed(folder: Path) -> Iterator[bool]:
    """Yield whether this process has the folder to itself until the block ends; False: another one uses it.

    If the disk supports neither locks nor links nor exclusive files, a line on standard error says so, and the folder
    counts as reserved.
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
    """Check that this process's claim on a folder was not taken away while it was suspended.

    Raises:
        UserError: If it was.
    """
    sign = _held.get(folder.absolute())
    if sign is not None and not sign.holds():
        raise UserError(
            f"{folder}: another machine took over this run, because this process gave no sign of life for "
            f"{GIVEN_UP_SECONDS:.0f} seconds. Nothing of it is kept."
        )


def has_claim(folder: Path) -> bool:
    """Return whether a folder has a claim, or a part of one, of a living or a killed process."""
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
    """Touches a claim regularly, so that other machines see that its owner is alive."""

    def __init__(self, claim: Path, owner: dict[str, Any]) -> None:
        self._claim, self._owner, self._ended = claim, owner, Event()
        self._thread = Thread(target=self._go_on, name="claim", daemon=True)
        self._thread.start()

    def holds(self) -> bool:
        """Return whether the claim still exists and belongs to this process."""
        return _read(self._claim) == self._owner

    def end(self) -> None:
        """Release the claim if it still belongs to this process."""
        self._ended.set()
        self._thread.join()
        if self.holds():
            self._claim.unlink(missing_ok=True)

    def _go_on(self) -> None:
        while not self._ended.wait(TOUCHED_SECONDS):
            with suppress(OSError):  # A disk may be unavailable for a while.
                if self.holds():
                    os.utime(self._claim)


def _locked(folder: int) -> bool | None:
    """Try to lock the open folder and return whether that succeeded; None if this disk can't lock folders."""
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
    """Identify the booted system and its process namespace, in which processes can see each other."""
    boot, numbers = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts += [boot.read_text().strip(), str(numbers.readlink())]
    return " ".join(parts)


def _made(file: Path, owner: dict[str, Any]) -> bool:
    """Create a file that names its owner; False if it exists.

    Raises:
        OSError: If it can't be created here.
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
    """Take over the claim of a dead process; of several that try at once, only one succeeds.

    A claim that has just been released is nobody's to remove: it may be another process's already.
    """
    if not claim.exists():
        return _made(claim, owner)
    if not _is_given_up(claim, locked=locked):
        _tell(claim)
        return False
    takeover = claim.with_name(TAKEOVER)
    if not _made(takeover, owner):
        if _is_old(takeover):
            takeover.unlink(missing_ok=True)  # Left by a process killed right here; the next command continues.
        return False
    try:
        if _is_given_up(claim, locked=locked):
            claim.unlink(missing_ok=True)
        return _made(claim, owner)
    finally:
        takeover.unlink(missing_ok=True)


def _sweep(folder: Path, *, locked: bool) -> None:
    """Remove what killed processes left next to their claims."""
    for file in folder.glob(f"{CLAIM}.*"):
        if file.name != TAKEOVER and _is_given_up(file, locked=locked):
            file.unlink(missing_ok=True)


def _is_given_up(claim: Path, *, locked: bool) -> bool:
    """Return whether the owner of a claim is gone.

    Args:
        claim: The claim file.
        locked: Whether this process has the folder's lock, which excludes other processes of this machine.
    """
    owner = _read(claim)
    if owner is not None and owner.get("machine") == _machine() and (locked or not _is_alive(owner.get("pid"))):
        return True
    return _is_old(claim)


def _is_alive(process: object) -> bool:
    """Return whether the process exists; another one that reuses its number does not touch the claim."""
    return isinstance(process, int) and 0 < process < 2**31 and psutil.pid_exists(process)


def _is_old(file: Path) -> bool:
    """Return whether a file exists and was not touched for so long that its owner must be gone."""
    return GIVEN_UP_SECONDS < _age(file) < inf


def _age(file: Path) -> float:
    """Absolute difference in seconds between now and a file's last touch, by its disk's clock; infinite if gone."""
    probe = file.with_name(f"{CLAIM}.{uuid4().hex}")
    try:
        probe.touch()
        return abs(probe.stat().st_mtime - file.stat().st_mtime)
    except FileNotFoundError:
        return inf
    finally:
        probe.unlink(missing_ok=True)


def _read(claim: Path) -> dict[str, Any] | None:
    """The owner named in a claim; None if there is none."""
    try:
        owner = json.loads(claim.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return owner if isinstance(owner, dict) else None


def _tell(claim: Path) -> None:
    """Tell the user which other machine has a claim, unless it was released just now."""
    owner, age = _read(claim) or {}, _age(claim)
    if owner.get("machine") != _machine() and age < inf:
        notice(
            f"{claim.parent}: another machine is working on it ({owner.get('host', 'unnamed')!s:.60}, whose last "
            f"sign was {age:.0f} s ago). It is free {GIVEN_UP_SECONDS:.0f} s after the last one."
        )
