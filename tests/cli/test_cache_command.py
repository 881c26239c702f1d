"""`harness cache` tells what is kept between runs, and removes that alone."""

import pytest


@pytest.mark.slow
def test_it_shows_what_is_kept_and_clears_it_and_nothing_else(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    texts, beside = tmp_path / "finetune-harness" / "texts", tmp_path / "texts"
    for folder in (texts / "entry", beside):
        folder.mkdir(parents=True)
        (folder / "ids.npy").write_bytes(b"x" * 1500)
    for words in (["cache"], ["cache", "--size"]):
        shown = command(*words)
        assert shown.code == 0
        assert "Cached" in shown.output
        assert "1 file" in shown.output
        assert "1.5 kB" in shown.output
        assert str(texts) in shown.output
    cleared = command("cache", "--clear")
    assert cleared.code == 0
    assert "Removed" in cleared.output
    assert "1.5 kB" in cleared.output
    assert not texts.exists()
    assert (beside / "ids.npy").exists()
    assert "0 bytes" in command("cache").output
    assert command("cache", "--clear").code == 0


def test_without_a_cache_there_is_nothing_to_show(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "nowhere"))
    shown = command("cache")
    assert (shown.code, "0 files" in shown.output) == (0, True)
