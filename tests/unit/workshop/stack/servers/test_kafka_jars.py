import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.kafka_jars import LOCK, Jar, JarCache, read_lock

CONTENT = b"classes"
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Source:
    """Where jars come from; counts how often it is asked."""

    content: bytes = CONTENT
    asked: list[str] = field(default_factory=list)

    def fetch(self, jar: Jar, into: Path) -> Path:
        self.asked.append(jar.coordinate)
        path = into / jar.filename
        path.write_bytes(self.content)
        return path


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "jars.lock"
    path.write_text(f"# made for a test\n\n{CHECKSUM}  org.example:one:1.0\n{CHECKSUM}  org.example:two:2.0\n")
    return path


def cache(tmp_path: Path, lock: Path, source: Source) -> JarCache:
    return JarCache(folder=tmp_path / "cache", lock=lock, fetch=source.fetch)


def test_the_committed_lock_pins_every_jar_by_checksum_and_names_no_place() -> None:
    jars = read_lock(LOCK)
    assert {"org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36"} <= {jar.coordinate for jar in jars}
    assert all(len(bytes.fromhex(jar.sha256)) == 32 for jar in jars)
    assert len({jar.filename for jar in jars}) == len(jars)
    assert "://" not in LOCK.read_text()


def test_missing_jars_are_fetched_and_kept(tmp_path: Path, lock: Path) -> None:
    source, told = Source(), list[str]()
    paths = cache(tmp_path, lock, source).provide(told.append)
    assert [path.name for path in paths] == ["one-1.0.jar", "two-2.0.jar"]
    assert [path.read_bytes() for path in paths] == [CONTENT, CONTENT]
    assert told[-1].endswith("2 of 2 files")


def test_a_full_cache_needs_no_source(tmp_path: Path, lock: Path) -> None:
    source = Source()
    cache(tmp_path, lock, source).provide()
    source.asked.clear()
    cache(tmp_path, lock, source).provide()
    assert source.asked == []


def test_only_what_is_missing_is_fetched(tmp_path: Path, lock: Path) -> None:
    source = Source()
    paths = cache(tmp_path, lock, source).provide()
    source.asked.clear()
    paths[1].unlink()
    cache(tmp_path, lock, source).provide()
    assert source.asked == ["org.example:two:2.0"]


def test_a_download_with_a_wrong_checksum_is_refused_and_not_kept(tmp_path: Path, lock: Path) -> None:
    with pytest.raises(EmbeddedError, match="is not the file that the lock names"):
        cache(tmp_path, lock, Source(content=b"something else")).provide()
    assert list((tmp_path / "cache").glob("**/*.jar")) == []


def test_a_changed_file_of_the_cache_is_refused(tmp_path: Path, lock: Path) -> None:
    paths = cache(tmp_path, lock, Source()).provide()
    paths[0].write_bytes(b"changed!")
    with pytest.raises(EmbeddedError, match=r"Delete .*one-1\.0\.jar"):
        cache(tmp_path, lock, Source()).provide()


def test_files_copied_from_another_machine_are_taken_after_a_check(tmp_path: Path, lock: Path) -> None:
    source = Source()
    folder = tmp_path / "cache"
    folder.mkdir()
    for name in ("one-1.0.jar", "two-2.0.jar"):
        (folder / name).write_bytes(CONTENT)
    cache(tmp_path, lock, source).provide()
    assert source.asked == []


def test_a_cache_that_cannot_be_written_says_so(tmp_path: Path, lock: Path) -> None:
    (tmp_path / "cache").write_text("a file where a folder should be")
    with pytest.raises(EmbeddedError, match="could not be kept"):
        cache(tmp_path, lock, Source()).provide()
