"""Apache Kafka's jars: named in a lock with their sha256, fetched by their Maven coordinates, kept per user.

A file enters the cache only after its checksum was right, under its final name and in one step: a broken download
leaves nothing behind. A note of sizes and times makes the check of a full cache cheap; what differs is hashed again.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path

from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.server import ReportProgress, quietly

LOCK = Path(__file__).with_name("kafka_jars.lock")
_NOTE = "verified.json"
_AT_ONCE = 8
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    @property
    def coordinate(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def read_lock(lock: Path = LOCK) -> list[Jar]:
    """Lines of `sha256  group:artifact:version`; # starts a comment."""
    jars = []
    for line in lock.read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        sha256, coordinate = line.split()
        group, artifact, version = coordinate.split(":")
        jars.append(Jar(group=group, artifact=artifact, version=version, sha256=sha256))
    return jars


def user_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "ordersys"


@dataclass(frozen=True, slots=True, kw_only=True)
class JarCache:
    folder: Path
    lock: Path = LOCK
    fetch: Callable[[Jar, Path], Path] = field(default_factory=lambda: download)

    def provide(self, report: ReportProgress = quietly) -> list[Path]:
        """The verified files, in the order of the lock; downloads what is missing."""
        jars = read_lock(self.lock)
        paths = [self.folder / jar.filename for jar in jars]
        note = self._read_note()
        if all(note.get(jar.sha256) == _stamp(path) for jar, path in zip(jars, paths, strict=True)):
            return paths
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._check_present(jars)
            self._fetch([jar for jar in jars if not (self.folder / jar.filename).exists()], report)
            self._write_note(jars)
        except OSError as error:
            raise EmbeddedError(f"the jars of Apache Kafka could not be kept in {self.folder}: {error}") from error
        return paths

    def _check_present(self, jars: Iterable[Jar]) -> None:
        for jar in jars:
            path = self.folder / jar.filename
            if path.exists():
                _verify(jar, path)

    def _fetch(self, missing: Sequence[Jar], report: ReportProgress) -> None:
        if not missing:
            return
        report(f"downloading Apache Kafka: 0 of {len(missing)} files")
        with (
            tempfile.TemporaryDirectory(dir=self.folder, prefix=".download-") as draft,
            ThreadPoolExecutor(_AT_ONCE) as pool,
        ):
            under_way = {pool.submit(self._fetch_one, jar, Path(draft)): jar for jar in missing}
            try:
                for done, finished in enumerate(as_completed(under_way), start=1):
                    finished.result()
                    report(f"downloading Apache Kafka: {done} of {len(missing)} files")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _fetch_one(self, jar: Jar, draft: Path) -> None:
        path = self.fetch(jar, draft)
        _verify(jar, path)
        with path.open("rb") as written:
            os.fsync(written.fileno())
        path.replace(self.folder / jar.filename)

    def _read_note(self) -> dict[str, list[int]]:
        try:
            note = json.loads((self.folder / _NOTE).read_bytes())
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _write_note(self, jars: Iterable[Jar]) -> None:
        note = {jar.sha256: _stamp(self.folder / jar.filename) for jar in jars}
        draft = self.folder / f".{_NOTE}.{os.getpid()}"
        draft.write_text(json.dumps(note))
        draft.replace(self.folder / _NOTE)


def download(jar: Jar, into: Path) -> Path:
    """One artifact by its coordinate, without its dependencies: the lock names them all."""
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise EmbeddedError(
            "the package `jgo`, which fetches Apache Kafka, is not installed: `pip install 'ordersys[embedded]'`"
        ) from error
    context = MavenContext(repo_cache=into, local_repos=[])
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            return Path(artifact.resolve())
        except (OSError, RuntimeError) as error:
            if not attempts_left:
                raise _unavailable(jar, into.parent, error) from error
            if artifact.cached_path:
                artifact.cached_path.unlink(missing_ok=True)
    raise AssertionError("unreachable")


def _unavailable(jar: Jar, folder: Path, error: Exception) -> EmbeddedError:
    """Only the kind of the failure: the texts of network errors are long and name hosts."""
    return EmbeddedError(
        f"{jar.coordinate} of Apache Kafka is not in {folder} and could not be downloaded ({type(error).__name__})."
        " It is needed once: run `ordersys up` with a network, or copy that folder from a machine that has it."
    )


def _verify(jar: Jar, path: Path) -> None:
    found = sha256_of(path)
    if found != jar.sha256:
        raise EmbeddedError(
            f"{path.name} is not the file that the lock names: its sha256 is {found}, expected {jar.sha256}."
            f" It was not used. Delete {path} and run again; if that repeats, do not trust the source it came from."
        )


def sha256_of(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _stamp(path: Path) -> list[int]:
    try:
        facts = path.stat()
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime_ns]
