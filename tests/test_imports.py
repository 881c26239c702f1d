"""Modules whose names start with an underscore are their package's own; that no imports circle, lint-imports holds."""

import grimp
import pytest


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("harness", cache_dir=None)


def trespasses(graph):
    """Every import of a private module from outside of the package that it lies in."""
    for module in sorted(graph.modules):
        owner, _, name = module.rpartition(".")
        if name.startswith("_") and not name.startswith("__"):
            importers = graph.find_modules_that_directly_import(module)
            yield from (f"{importer} imports {module}" for importer in importers if not _is_inside(importer, owner))


def _is_inside(module, package):
    return module == package or module.startswith(f"{package}.")


def test_there_are_private_modules_and_each_is_imported_in_its_own_package_alone(graph):
    private = [module for module in graph.modules if module.rpartition(".")[2].startswith("_")]
    assert {"harness.ops.native._library", "harness.pretraining.corpora._corpus"} <= set(private)
    assert list(trespasses(graph)) == []


def test_an_import_from_another_package_would_be_found(graph):
    graph.add_import(importer="harness.runs.run", imported="harness.ops.native._library")
    assert list(trespasses(graph)) == ["harness.runs.run imports harness.ops.native._library"]
