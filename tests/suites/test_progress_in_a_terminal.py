"""What a person sees of `harness run` in a real terminal of 80 columns."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from command_line import reviews, write_csv

ROOT = Path(__file__).parent.parent.parent
CODES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|\][^\x07]*\x07)")


def seen(words, folder, columns):
    """The lines that a command draws in a terminal, each state of a line that is drawn anew one of its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "harness", *map(str, words)]
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        drawn = b""
        try:
            while part := os.read(ours, 65536):
                drawn += part
        except OSError:  # Linux tells of the other end's closing by an error.
            pass
        os.close(ours)
    text = CODES.sub("", drawn.decode(errors="replace"))
    return process.returncode, [line for line in re.split(r"[\r\n]+", text) if line.strip()]


@pytest.mark.slow
def test_every_line_of_a_run_is_whole_in_a_terminal_of_80_columns(checkpoints, tmp_path):
    train = write_csv(tmp_path / "films-with-a-name-that-is-rather-long.csv", reviews(60))
    few = ("--set", "maximum_steps=6", "--set", "evaluations_per_epoch=1", "--set", "batch_size=4", "--workers", "1")
    words = ("run", "--train", train, "--model", checkpoints["bert"], "--seeds", "2", "--runs", tmp_path / "runs", *few)
    code, lines = seen(words, tmp_path, 80)
    assert code == 0, lines
    bars = [line.rstrip() for line in lines if " % " in line]
    assert max(map(len, bars)) <= 80
    of_runs = [line for line in bars if "seed" in line or "…" in line]
    assert any(re.search(r" \d+ % +loss \d\.\d{3}", line) for line in of_runs), bars[:20]
    whole = {re.sub(r" +", " ", line) for line in bars if line.startswith("runs")}
    assert any("1 of 2 done" in line for line in whole), whole
    assert all("done" in line or "starting" in line for line in whole)  # never cut
