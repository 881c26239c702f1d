"""Where entries come from: the harness, packages with entry points, folders that the user names."""

import re
import sys
from importlib.metadata import entry_points

import pytest

from harness.config.files import config_file, config_files
from harness.errors import UserError
from harness.registry import (
    CORPORA,
    ENTRIES,
    FAMILIES,
    FORMATS,
    OBJECTIVES,
    TASK_TYPES,
    TASKS,
    family_names_by_model_type,
)
from harness.reporting.files import write_report

TASK = '''"""Is it mine?"""

from harness.data.sources import Generated
from harness.data.task import Task

ROWS = [{{"text": f"w{{n}} v{{n}}", "label": "ab"[n % 2]}} for n in range(40)]
task = Task(
    task_type="classification",
    source=Generated(lambda: {{"train": ROWS}}, version="1"),
    metrics=("accuracy",),
    licence="mine",
    citation="{citation}",
)
'''
FAMILY = '''"""A baseline of my own."""

from harness.models.baseline import BaselineFamily

family = BaselineFamily("majority")
'''
FORMAT = '''"""Names alone."""


def render(comparison):
    return " ".join(comparison.models)
'''


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder of entries that the user names."""
    folder = tmp_path / "mine"
    write(folder / "tasks" / "mine.py", TASK.format(citation="me"))
    write(folder / "tasks" / "group" / "deeper.py", TASK.format(citation="deeper"))
    write(folder / "families" / "constant.py", FAMILY)
    write(folder / "reports" / "names" / "render.py", FORMAT)
    write(folder / "configs" / "models" / "always.toml", '# Always the same.\nfamily = "constant"\n')
    write(folder / "configs" / "suites" / "small.toml", 'tasks = ["mine"]\nmodels = ["always"]\nseeds = [0]\n')
    monkeypatch.setenv(ENTRIES, str(folder))
    return folder


@pytest.fixture
def plugged_in(tmp_path, monkeypatch):
    """An installed package with entry points, and the names that it claims."""

    def install(*lines):
        site = tmp_path / "site"
        write(site / "others_tasks.py", TASK.format(citation="others") + "broken = 1\n")
        write(site / "others-1.0.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
        write(site / "others-1.0.dist-info" / "entry_points.txt", "\n".join(lines) + "\n")
        monkeypatch.syspath_prepend(site)

    yield install
    sys.modules.pop("others_tasks", None)


@pytest.mark.parametrize("registry", [TASKS, FORMATS, FAMILIES, TASK_TYPES, CORPORA, OBJECTIVES])
def test_every_registry_has_entries_with_descriptions_that_load(registry):
    entries = {name: claims[0] for name, claims in registry.entries().items()}
    assert len(entries) >= 3
    assert all(registry.description(entry) for entry in entries.values())
    assert all(registry.load(name) is not None for name in entries)


@pytest.mark.slow
def test_a_package_of_ours_is_listed_once(monkeypatch):
    # A task asks for its type several times a row.
    TASK_TYPES.names()
    monkeypatch.setattr("harness.registry.find_spec", None)
    assert TASK_TYPES.load("classification") is not None


@pytest.mark.slow
def test_what_the_user_names_is_found_and_works_as_if_it_came_with_the_harness(mine, command):
    assert TASKS.load("mine").citation == "me"
    assert TASKS.load("deeper").citation == "deeper"
    assert config_file("models", "always") == mine / "configs" / "models" / "always.toml"
    assert command("run", "small").code == 0
    result = command("report", "runs/small", "--format", "names", "--output", "out.txt")
    assert (result.code, open("out.txt").read()) == (0, "always")  # noqa: PTH123, SIM115
    assert command("predict", "runs/small/mine/always/seed-0", "--text", "w1").code == 0


def test_an_option_names_folders_as_the_environment_does(mine, command, monkeypatch):
    monkeypatch.setenv(ENTRIES, "")
    assert "mine" not in TASKS.names()
    result = command("--entries", mine, "list", "tasks")
    assert (result.code, "Is it mine?" in result.output) == (0, True)


def test_nothing_is_run_to_list_it(mine, command):
    write(mine / "tasks" / "loud.py", '"""Is it loud?"""\nraise SystemExit("run!")\n')
    write(mine / "tasks" / "broken.py", "def")
    result = command("list", "tasks")
    assert (result.code, "Is it loud?" in result.output, "not Python" in result.output) == (0, True, True)


def test_a_name_that_two_places_claim_is_an_error_that_names_both(mine, tmp_path, monkeypatch):
    other = write(tmp_path / "other" / "tasks" / "mine.py", TASK.format(citation="another"))
    write(tmp_path / "other" / "configs" / "models" / "minilm.toml", 'family = "majority"\n')
    monkeypatch.setenv(ENTRIES, f"{mine}:{tmp_path / 'other'}")
    with pytest.raises(UserError, match="2 tasks of this name") as raised:
        TASKS.load("mine")
    assert str(mine / "tasks" / "mine.py") in str(raised.value)
    assert str(other) in str(raised.value)
    with pytest.raises(UserError, match="2 files of this name"):
        config_file("models", "minilm")


def test_a_task_cannot_take_the_place_of_a_built_in_one(mine):
    write(mine / "tasks" / "boolq.py", TASK.format(citation="not boolq"))
    with pytest.raises(UserError, match="2 tasks of this name"):
        TASKS.load("boolq")
    assert TASKS.load("rotten_tomatoes").metrics  # the others are still there


def test_a_package_s_entry_points_are_entries(plugged_in):
    plugged_in("[harness.tasks]", "theirs = others_tasks:task", "module = others_tasks")
    assert TASKS.load("theirs").citation == "others"
    assert TASKS.load("module").citation == "others"
    (claim,) = TASKS.entries()["theirs"]
    assert TASKS.description(claim) == "package others 1.0"


def test_packages_are_read_once_and_one_that_is_installed_meanwhile_is_found(plugged_in, tmp_path, monkeypatch):
    reads = []
    monkeypatch.setattr(
        "harness.entry_points.entry_points", lambda group: reads.append(group) or entry_points(group=group)
    )
    plugged_in("[harness.tasks]", "theirs = others_tasks:task")
    for _ in range(3):
        assert "theirs" in TASKS.names()
        assert "bert" in FAMILIES.names()
    assert sorted(reads) == ["harness.families", "harness.tasks"]
    write(tmp_path / "site" / "more-1.0.dist-info" / "METADATA", "Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    write(tmp_path / "site" / "more-1.0.dist-info" / "entry_points.txt", "[harness.tasks]\nmore = others_tasks:task\n")
    assert "more" in TASKS.names()


def test_a_package_and_a_folder_that_claim_one_name_are_both_named(plugged_in, mine):
    plugged_in("[harness.tasks]", "mine = others_tasks:task")
    with pytest.raises(UserError, match=r"\(package others 1\.0 and .*mine\.py\)"):
        TASKS.load("mine")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nosuchmodule\n", "fails when imported (ModuleNotFoundError: No module named 'nosuchmodule')"),
        ("1 / 0\n", "fails when imported (ZeroDivisionError: division by zero)"),
        ("def\n", "fails when imported (SyntaxError"),
        ("tusk = 1\n", "defines no `task`"),
    ],
)
def test_an_entry_that_gives_nothing_says_which_file_and_why(mine, text, said):
    file = write(mine / "tasks" / "faulty.py", text)
    with pytest.raises(UserError) as raised:
        TASKS.load("faulty")
    assert str(file) in str(raised.value)
    assert said in str(raised.value)


def test_a_folder_of_entries_that_is_not_there_is_told(monkeypatch, tmp_path, command):
    monkeypatch.setenv(ENTRIES, str(tmp_path / "nowhere"))
    result = command("list", "tasks")
    assert (result.code, "no such folder of entries" in result.lines[0]) == (2, True)


@pytest.mark.slow
def test_comparing_loads_no_entry_of_anybody_s(mine, command):
    assert command("run", "small").code == 0
    for module in [name for name in sys.modules if name.startswith("harness._entries.path_")]:
        del sys.modules[module]
    write(mine / "tasks" / "mine.py", "raise SystemExit('run!')\n")
    write(mine / "families" / "constant.py", "raise SystemExit('run!')\n")
    assert command("compare", "runs/small").code == 0
    assert command("report", "runs/small").code == 0


def test_the_families_facts_that_are_read_without_importing_them_are_those_of_the_families():
    trained = {name: FAMILIES.load(name) for name in FAMILIES.names() if not hasattr(FAMILIES.load(name), "fit")}
    assert len(trained) >= 6
    for name, family in trained.items():
        assert FAMILIES.constant(name, "MODEL_TYPES", ()) == family.model_types
        assert FAMILIES.constant(name, "RECURRENT", default=False) == (family.pooled_head is not None)


def test_configurations_of_every_sort_come_with_the_harness():
    assert all(config_files(folder) for folder in ("models", "suites", "pretraining"))


@pytest.mark.parametrize(
    ("registry", "file", "text"),
    [
        (TASKS, "tasks/other.py", "task = 5\n"),
        (FAMILIES, "families/other.py", "family = 3\n"),
        (FORMATS, "reports/other/render.py", "render = 'text'\n"),
    ],
)
def test_an_entry_that_is_something_else_says_what_it_is(mine, registry, file, text):
    write(mine / file, text)
    with pytest.raises(UserError, match=rf"`{registry.attribute}` is no {registry.noun} \(got "):
        registry.load("other")


def test_code_that_exits_does_not_end_the_harness(mine):
    write(mine / "tasks" / "leaving.py", "import sys\nsys.exit(3)\n")
    with pytest.raises(UserError, match="SystemExit: 3"):
        TASKS.load("leaving")


def test_what_cannot_be_read_does_not_hide_the_rest(mine, command):
    (mine / "tasks" / "lost.py").symlink_to(mine / "nowhere.py")
    (mine / "configs" / "models" / "latin.toml").write_bytes(b"# caf\xe9\n")
    for what in ("tasks", "models"):
        result = command("list", what)
        assert (result.code, "can't be read" in result.output) == (0, True)


def test_a_broken_family_stands_in_no_other_model_s_way(mine):
    write(mine / "families" / "broken.py", "1 / 0\n")
    assert family_names_by_model_type()["bert"] == "bert"


@pytest.mark.parametrize("content", ["return comparison.nothing", "return None"])
def test_a_report_format_that_fails_is_named_and_leaves_the_report_before_it(mine, tmp_path, content):
    file = write(mine / "reports" / "broken" / "render.py", f"def render(comparison):\n    {content}\n")
    report = write(tmp_path / "report.broken", "the report before")
    with pytest.raises(UserError, match=rf"{re.escape(str(file))}: its render failed \(\w+Error: .*Fix it"):
        write_report("broken", object(), report)
    assert report.read_text() == "the report before"
