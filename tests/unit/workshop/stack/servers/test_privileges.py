import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ordersys.workshop.stack.servers import privileges
from ordersys.workshop.stack.servers.errors import EmbeddedError

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down")


@pytest.fixture
def closed() -> Iterator[Path]:
    """Not under pytest's own folders: those are closed themselves."""
    with tempfile.TemporaryDirectory() as open_folder:
        Path(open_folder).chmod(0o711)
        if privileges.first_closed(Path(open_folder)):
            pytest.skip("the temporary folder of this machine is closed to others")
        folder = Path(open_folder, "home")
        folder.mkdir(mode=0o700)
        yield folder


def test_the_folder_that_bars_the_way_is_named(closed: Path) -> None:
    assert privileges.first_closed(closed / "state" / "data") == closed


def test_an_open_way_is_open(closed: Path) -> None:
    closed.chmod(0o711)
    assert privileges.first_closed(closed / "data") is None


@needs_root
def test_root_enters_a_namespace_where_that_is_allowed(closed: Path) -> None:
    chosen = privileges.choose(must_reach=(closed / "data",), namespaces=True)
    assert chosen.prefix[0] == "unshare"
    assert chosen.user is None


@needs_root
def test_root_steps_down_where_namespaces_are_forbidden(closed: Path) -> None:
    closed.chmod(0o711)
    chosen = privileges.choose(must_reach=(closed / "data",), namespaces=False)
    assert chosen.prefix == ()
    assert chosen.user not in (None, 0)


@needs_root
def test_a_closed_folder_is_refused_with_its_name(closed: Path) -> None:
    with pytest.raises(EmbeddedError, match=f"because {closed} is closed"):
        privileges.choose(must_reach=(closed / "data",), namespaces=False)
