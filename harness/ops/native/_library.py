"""Build the compiled kernels at first use, cache them, and never load an incomplete file."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import torch

from harness.cache import alone, cache_folder

_SOURCES = Path(__file__).parent / "kernels"
_log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """The kernels cannot be built here, for the reason given."""


@cache
def unavailable() -> str | None:
    """Return in one line why the kernels are not available, or None if they are.

    The first call loads them, and builds them if needed. A reason other than the user's HARNESS_NATIVE=0 is also
    logged, once.
    """
    if os.environ.get("HARNESS_NATIVE") == "0":
        return "native kernels: switched off by HARNESS_NATIVE=0"
    try:
        torch.ops.load_library(str(_built(cache_folder("native"))))
    except (UnavailableError, OSError) as error:
        reason = f"native kernels: not available, plain torch is used ({error})"
        _log.warning(reason)
        return reason
    return None


def _built(folder: Path) -> Path:
    """Return the library for this machine, built if it is missing or incomplete."""
    command = _command()
    library = folder / f"{_key(command)}.so"
    if not _is_whole(library):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with alone(folder / "lock"):
            if not _is_whole(library):  # Another process may have built it meanwhile.
                _build(command, library)
    return library


def _build(command: list[str], library: Path) -> None:
    for left in library.parent.glob("tmp*"):  # Left by a build that was killed, as there is only one at a time.
        shutil.rmtree(left, ignore_errors=True)
    _log.warning("native kernels: compiling them for this processor (once; about half a minute)")
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        built = Path(scratch) / "library.so"
        arguments = [*command, str(_SOURCES / "operators.cpp"), "-o", str(built), *_linked()]
        result = subprocess.run(arguments, capture_output=True, text=True, check=False)
        if result.returncode:
            lines = [line for line in result.stderr.splitlines() if "error" in line] or ["no message"]
            raise UnavailableError(f"{command[0]} failed: {lines[0]}; HARNESS_NATIVE=0 skips this")
        digest = hashlib.sha256(built.read_bytes()).hexdigest()
        # The digest is written last, as a library without it is not loaded. Loading a damaged one would crash.
        built.replace(library)
        (Path(scratch) / "digest").write_text(digest)
        (Path(scratch) / "digest").replace(_digest_of(library))


def _is_whole(library: Path) -> bool:
    digest = _digest_of(library)
    if not library.exists() or not digest.exists():
        return False
    return digest.read_bytes() == hashlib.sha256(library.read_bytes()).hexdigest().encode()


def _digest_of(library: Path) -> Path:
    return library.with_suffix(".sha256")


def _command() -> list[str]:
    """Return the compiler and its options, without files."""
    named = os.environ.get("CXX")
    found = shlex.split(named) if named else [name for name in ("c++", "g++", "clang++") if shutil.which(name)][:1]
    if not found or not shutil.which(found[0]):
        raise UnavailableError("no C++ compiler; install g++ or name one in CXX")
    headers = Path(torch.__file__).parent / "include"
    here = "-mcpu=native" if platform.machine() in ("arm64", "aarch64") else "-march=native"
    threads = [] if sys.platform == "darwin" else ["-fopenmp"]
    abi = f"-D_GLIBCXX_USE_CXX11_ABI={int(torch.compiled_with_cxx11_abi())}"
    folders = [f"-I{headers}", f"-I{headers / 'torch' / 'csrc' / 'api' / 'include'}"]
    # No -ffast-math, which would break NaN. -Wno-psabi, as vectors are never passed across the library's interface.
    return [
        *found,
        "-std=c++20",
        "-O3",
        here,
        *threads,
        "-fPIC",
        "-shared",
        "-fno-math-errno",
        "-Wno-psabi",
        abi,
        *folders,
    ]


def _linked() -> list[str]:
    return [f"-L{Path(torch.__file__).parent / 'lib'}", "-ltorch_cpu", "-lc10"]


def _key(command: list[str]) -> str:
    """Return a digest of all that a library depends on: sources, torch, the compiler and the processor."""
    compiler = Path(shutil.which(command[0]) or command[0]).resolve()
    state = compiler.stat()
    parts = [torch.__version__, *command, str(compiler), str(state.st_size), str(state.st_mtime_ns), _processor()]
    parts += [path.name + path.read_text() for path in sorted(_SOURCES.iterdir())]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def _processor() -> str:
    """Return the processor's features, since the library is compiled for them."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    able = [line for line in lines if line.lower().startswith(("flags", "features"))]
    return able[0] if able else f"{platform.machine()} {platform.processor()}"
