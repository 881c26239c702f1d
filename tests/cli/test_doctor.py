"""`harness doctor`: what this machine lacks is told, with what to do."""

import json
import os

import pytest

from harness.cli import doctor


def found(command, *words):
    result = command("doctor", "--json", *words)
    return result.code, {finding["what"]: finding for finding in json.loads(result.output)}


def test_a_machine_that_has_everything_passes(command):
    code, findings = found(command)
    assert code == 0
    assert {findings[what]["state"] for what in ("harness", "packages", "runs", "cache", "temporary files")} <= {
        "ok",
        "note",
    }
    assert "torch 2." in findings["packages"]["said"]
    assert "HF_HUB_OFFLINE" in findings["Hub"]["said"]
    assert "✓  harness" in command("doctor").output


def test_a_package_of_another_version_and_one_that_is_missing_are_problems(command, monkeypatch):
    wanted = ["torch>=99", "no-such-package>=1", "numpy>=1", 'gone>=1; extra == "dev"']
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    code, findings = found(command)
    assert code == 1
    assert findings["torch"]["said"].endswith("but >=99 is needed. Run: pip install 'torch>=99'")
    assert findings["no-such-package"]["said"] == "missing. Run: pip install 'no-such-package>=1'"
    assert not {"gone", "numpy", "packages"} & findings.keys()


def test_a_checkout_that_is_not_installed_is_told(command, monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGE", "no-such-package")
    code, findings = found(command)
    assert code == 0
    assert findings["packages"]["state"] == "note"
    assert "the harness is not installed" in findings["packages"]["said"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_can_not_be_written_to_is_a_problem(command, tmp_path):
    tmp_path.chmod(0o500)
    code, findings = found(command, f"--runs={tmp_path / 'runs'}")
    assert (code, findings["runs"]["state"]) == (1, "problem")


def test_kernels_that_are_switched_off_are_a_note(command, monkeypatch):
    monkeypatch.setattr("harness.ops.native.unavailable", lambda: "native kernels: switched off by HARNESS_NATIVE=0")
    code, findings = found(command)
    assert (code, findings["kernels"]["state"]) == (0, "note")


def test_a_hub_that_does_not_answer_is_a_note(command, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    code, findings = found(command)
    assert (code, findings["Hub"]["state"]) == (0, "note")
    assert "does not answer" in findings["Hub"]["said"]
