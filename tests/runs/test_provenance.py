"""The state of the source tree and how far weights were pretrained, as a record keeps it."""

import subprocess

import pytest
from synthetic_runs import add_runs

from harness.comparison.comparison import compare
from harness.record import Pretraining, Provenance
from harness.reporting.provenance import facts
from harness.training import provenance


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout with one commit, in which the harness is said to lie."""
    (tmp_path / "pyproject.toml").touch()
    person = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    for words in (["init", "--quiet"], ["add", "."], [*person, "commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    monkeypatch.setattr(provenance, "_ROOT", tmp_path)
    provenance.git_state.cache_clear()
    yield tmp_path
    provenance.git_state.cache_clear()


def test_the_commit_is_told_and_whether_there_are_local_changes(checkout):
    commit, changed = provenance.git_state()
    assert (len(commit), changed) == (40, False)
    (checkout / "new.py").touch()
    provenance.git_state.cache_clear()
    assert provenance.git_state() == (commit, True)


def test_where_git_cannot_tell_of_local_changes_they_are_unknown(checkout):
    (checkout / ".git/index").write_bytes(b"damaged")
    commit, changed = provenance.git_state()
    assert (len(commit), changed) == (40, None)


def test_an_installed_copy_inside_another_checkout_does_not_tell_that_ones_commit(checkout, monkeypatch):
    installed = checkout / "venv" / "site-packages"
    installed.mkdir(parents=True)
    monkeypatch.setattr(provenance, "_ROOT", installed)
    assert provenance.git_state() == (None, None)


def test_a_checkpoint_says_how_far_it_was_pretrained_and_fresh_weights_have_read_nothing():
    config = {"model_type": "bert", "pretraining": {"recipe": "bert-mini", "tokens": 28_000_000}}
    assert provenance.pretraining_of(config, fresh=False) == Pretraining(recipe="bert-mini", tokens=28_000_000)
    assert provenance.pretraining_of(config, fresh=True) == Pretraining(recipe="bert-mini", tokens=0)


@pytest.mark.parametrize(
    "config",
    [{}, {"pretraining": "yes"}, {"pretraining": {"tokens": 3}}, {"pretraining": {"recipe": "one", "tokens": -1}}],
)
def test_a_checkpoint_from_elsewhere_says_nothing_of_it(config):
    assert provenance.pretraining_of(config, fresh=False) is None


def test_a_process_keeps_the_commit_of_the_code_that_it_has_imported(checkout):
    found = provenance.git_state()
    (checkout / "new.py").touch()
    assert provenance.git_state() == found


@pytest.mark.parametrize(
    ("changed", "said"),
    [(False, ""), (True, " with local changes"), (None, " (local changes unknown)")],
)
def test_a_report_says_whether_there_were_local_changes_or_that_this_is_unknown(tmp_path, changed, said):
    origin = Provenance(git_commit="0123abcd", git_dirty=changed)
    add_runs(tmp_path / "runs", "bert-mini", 0.8, range(1), provenance=origin)
    assert dict(facts(compare(tmp_path / "runs")))["Commit"] == f"0123abcd{said}"
