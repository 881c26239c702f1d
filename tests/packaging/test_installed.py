"""The harness as others have it: from a checkout, an editable install and a wheel, in folders that hold anything."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
INSTALLS = ("checkout", "editable", "wheel")
ROWS = "text,label\n" + "".join(f"w{n} v{n},{'ab'[n % 2]}\n" for n in range(60))
OURS = ("--model", "majority", "--train", "train.csv", "--set", "train_examples=30")


def python(*words, cwd, **environment):
    """The words given to this interpreter."""
    known = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "HARNESS_ENTRIES")}
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**known, "HF_HUB_OFFLINE": "1", "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel, built from the working tree."""
    folder = tmp_path_factory.mktemp("wheel")
    done = python("-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", folder, ROOT, cwd=folder)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder that the wheel is installed into."""
    folder = tmp_path_factory.mktemp("installed")
    done = python("-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def hostile(tmp_path):
    """A folder whose files have the names of ours, and stop whoever runs them."""
    for name in ("tasks", "reports", "configs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise SystemExit('{name}/__init__.py was run')\n")
    for name in ("tasks.py", "reports.py", "configs.py"):
        (tmp_path / name).write_text(f"raise SystemExit('{name} was run')\n")
    (tmp_path / "configs" / "models").mkdir()
    (tmp_path / "configs" / "models" / "minilm.toml").write_text("not toml")
    (tmp_path / "train.csv").write_text(ROWS)
    return tmp_path


@pytest.fixture(params=INSTALLS)
def harness(request, hostile):
    """What calls the harness of an install from within the hostile folder."""
    paths = {"checkout": str(ROOT), "editable": None}
    path = str(request.getfixturevalue("installed")) if request.param == "wheel" else paths[request.param]
    place = {"PYTHONPATH": path} if path else {}
    origin = python("-c", "import harness; print(harness.__file__)", cwd=hostile, **place)
    if request.param == "editable" and origin.returncode:
        pytest.skip("the harness is not installed here: make setup")
    assert Path(origin.stdout.strip()).is_relative_to(path or ROOT)

    def call(*words):
        done = python(*words, cwd=hostile, **place)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    return call


def test_every_command_works_in_a_folder_whose_files_have_the_names_of_ours(harness, hostile):
    listed = harness("-m", "harness", "list").split()
    assert {"boolq", "minilm", "html"} <= set(listed)  # a task, a model, a report format
    # The launcher starts `python -m harness run` in its turn.
    launch = ("-m", "accelerate.commands.launch", "--num_processes", "1", "--cpu")
    harness(*launch, "-m", "harness", "run", *OURS)
    assert "majority" in harness("-m", "harness", "compare", "runs")
    harness("-m", "harness", "report", "runs")
    assert (hostile / "runs" / "report.html").is_file()


def test_the_wheel_is_one_package_with_all_that_the_harness_brings(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"harness"}
    entries = {file.relative_to(ROOT) for top in ("tasks", "configs", "reports") for file in (ROOT / top).rglob("*")}
    files = [file for file in entries if (ROOT / file).is_file() and "__pycache__" not in file.parts]
    assert len(files) > 60
    assert {f"harness/_entries/{file.as_posix()}" for file in files} <= set(names)
    assert any(name.endswith("kernels/operators.cpp") for name in names)


def test_the_wheel_and_its_description_are_as_the_package_index_wants_them(wheel):
    settings = str(ROOT / "pyproject.toml")
    checks = (("check_wheel_contents", "--config", settings, str(wheel)), ("twine", "check", "--strict", str(wheel)))
    for check in checks:
        done = python("-m", *check, cwd=wheel.parent)
        assert done.returncode == 0, done.stdout + done.stderr
