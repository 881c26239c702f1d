"""The state of the source tree, as a record keeps it."""

import subprocess

import pytest

from harness.engine import provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one commit, in which the harness is said to lie."""
    (tmp_path / "pyproject.toml").touch()
    person = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*person, "commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    return tmp_path


def test_the_commit_is_told_and_whether_there_are_local_changes(checkout):
    commit, changed = provenance.git_state()
    assert (len(commit), changed) == (40, False)
    (checkout / "new.py").touch()
    assert provenance.git_state() == (commit, True)


def test_an_installed_copy_inside_another_checkout_does_not_tell_that_ones_commit(checkout, monkeypatch):
    installed = checkout / "venv" / "site-packages"
    installed.mkdir(parents=True)
    monkeypatch.setattr(provenance, "_ROOT", installed)
    assert provenance.git_state() == (None, None)
