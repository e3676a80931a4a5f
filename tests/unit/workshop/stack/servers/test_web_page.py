"""Whether there can be a web page, and how it is started."""

from pathlib import Path

import pytest

from ordersys.workshop.stack.servers import web_page
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.web_page import BUILT, VITE, WebPage, missing


@pytest.fixture
def frontend(tmp_path: Path) -> Path:
    for part in (BUILT, VITE):
        (tmp_path / part).parent.mkdir(parents=True)
        (tmp_path / part).write_text("")
    return tmp_path


def program(folder: Path, version: str) -> Path:
    """A Node that says it is of this version."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "node"
    made.write_text(f"#!/bin/sh\necho {version}\n")
    made.chmod(0o755)
    return made


@pytest.fixture
def no_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither in the PATH nor in a wheel; the folder is all that is in the PATH."""
    folder = tmp_path / "bin"
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(web_page, "package_folder", lambda name: None)
    return folder


def test_everything_there_means_that_nothing_is_missing(frontend: Path, no_node: Path) -> None:
    program(no_node, "v22.12.0")

    assert missing(frontend) == ""


@pytest.mark.parametrize(("part", "told"), [(BUILT, "not built"), (VITE, "not installed")])
def test_what_is_missing_is_told(frontend: Path, no_node: Path, part: Path, told: str) -> None:
    program(no_node, "v22.12.0")
    (frontend / part).unlink()

    assert told in missing(frontend)


def test_a_checkout_without_a_page_is_told(tmp_path: Path) -> None:
    assert "there is no" in missing(tmp_path / "frontend")


@pytest.mark.parametrize("version", ["v18.20.4", "v20.18.9", "nonsense"])
def test_a_node_that_is_too_old_is_none(frontend: Path, no_node: Path, version: str) -> None:
    program(no_node, version)

    assert "Node.js" in missing(frontend)


def test_without_a_node_in_the_path_that_of_the_wheel_does(
    frontend: Path, no_node: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = program(tmp_path / "wheel" / "bin", "v24.1.0")
    monkeypatch.setattr(web_page, "package_folder", lambda name: tmp_path / "wheel")

    assert web_page.node() == wheel


def test_it_is_told_where_the_api_is(frontend: Path, no_node: Path) -> None:
    runs = program(no_node, "v20.20.0")
    command = WebPage(folder=frontend, port=5173, api="http://127.0.0.1:8081").command()

    assert command.argv[:3] == (str(runs), str(frontend / VITE), "preview")
    assert " ".join(command.argv[3:]) == "--port 5173 --strictPort --host 127.0.0.1"
    assert command.env == {"ORDERSYS_API": "http://127.0.0.1:8081"}
    assert command.cwd == frontend


def test_without_node_there_is_nothing_to_start(frontend: Path, no_node: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"Node\.js"):
        WebPage(folder=frontend, port=5173, api="http://127.0.0.1:8080").command()
