"""Regenerates the lock of Apache Kafka's jars: resolves, downloads, hashes. Usage: lock_kafka_jars.py [--check]

Each coordinate is resolved separately, because the dependency management of one would change the versions of the other.
"""

import sys
import tempfile
from pathlib import Path

import jgo

from ordersys.workshop.stack.servers.kafka_jars import LOCK, Jar, download, sha256_of

ROOTS = ("org.apache.kafka:kafka_2.13:4.4.0", "org.slf4j:slf4j-simple:1.7.36")
HEADER = f"# Apache Kafka and what it needs, written by scripts/lock_kafka_jars.py from {', '.join(ROOTS)}\n"


def resolve() -> list[str]:
    artifacts = [artifact for root in ROOTS for artifact in jgo.resolve(root)]
    return sorted({f"{a.groupId}:{a.artifactId}:{a.version}" for a in artifacts if a.packaging == "jar"})


def locked(coordinate: str, folder: Path) -> str:
    group, artifact, version = coordinate.split(":")
    jar = Jar(group=group, artifact=artifact, version=version, sha256="")
    return f"{sha256_of(download(jar, folder))}  {coordinate}\n"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        text = HEADER + "".join(locked(coordinate, Path(folder)) for coordinate in resolve())
    if "--check" in sys.argv[1:]:
        return 0 if LOCK.read_text() == text else 1
    LOCK.write_text(text)
    print(f"{text.count(chr(10)) - 1} jars locked in {LOCK}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
