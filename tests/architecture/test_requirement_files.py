"""The requirement files belong to pyproject.toml, are whole, and name no address that a package would come from."""

import shutil
from pathlib import Path

import pytest

from scripts import requirements
from tests.architecture.places import ROOT


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "requirements"
    shutil.copytree(requirements.FOLDER, folder)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(requirements, "ROOT", tmp_path)
    monkeypatch.setattr(requirements, "FOLDER", folder)
    return tmp_path


def test_they_are_in_order() -> None:
    assert list(requirements.problems()) == []


def test_every_entry_has_a_hash_and_no_entry_an_address() -> None:
    for name in requirements.SETS:
        text = (requirements.FOLDER / f"{name}.txt").read_text()
        pins = [pin for pin, _ in requirements.entries(text)]

        assert len(pins) > (0 if name == "page" else 20)
        assert "://" not in text
        assert "index" not in text.replace("importlib", "")


def test_a_new_dependency_is_seen(copied: Path) -> None:
    _edit(copied / "pyproject.toml", "dependencies = [", 'dependencies = [\n  "attrs",')

    assert len([line for line in requirements.problems() if "make lock" in line]) == len(requirements.SETS)


def test_a_lost_hash_is_seen(copied: Path) -> None:
    (copied / "requirements" / "runtime.txt").write_text(requirements.header() + "attrs==26.1.0\n")

    assert any("lacks an exact version or a hash" in line for line in requirements.problems())


def test_a_loose_version_is_seen(copied: Path) -> None:
    (copied / "requirements" / "runtime.txt").write_text(requirements.header() + "attrs>=26 --hash=sha256:00\n")

    assert any("lacks an exact version or a hash" in line for line in requirements.problems())


def test_an_address_is_seen(copied: Path) -> None:
    path = copied / "requirements" / "runtime.txt"
    path.write_text(path.read_text() + "attrs @ https://packages.example/attrs.whl --hash=sha256:00\n")

    assert any("contains an address" in line for line in requirements.problems())


def test_two_versions_of_one_package_are_seen(copied: Path) -> None:
    _edit(copied / "requirements" / "runtime.txt", "alembic==", "alembic==0.")

    assert any("different versions" in line for line in requirements.problems())


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
