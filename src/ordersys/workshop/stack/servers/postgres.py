"""PostgreSQL 18 as a child process: TCP on the loopback with scram and a generated password, no socket file.

The cluster is made once; the role and the database of the application with it, in single-user mode, so that nothing has
to connect as superuser later. A lost password file is replaced the same way.
"""

import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ordersys.workshop.stack.servers import leftovers, postgres_binaries, privileges, probes
from ordersys.workshop.stack.servers.errors import EmbeddedError
from ordersys.workshop.stack.servers.ports import HOST, require_free
from ordersys.workshop.stack.servers.postgres_binaries import PostgresBinaries
from ordersys.workshop.stack.servers.privileges import Privileges
from ordersys.workshop.stack.servers.server import Command, ReportProgress, quietly

SUPERUSER = "postgres"
APPLICATION = "ordersys"
_INITDB = (
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
)
_DURABLE = {"synchronous_commit": "on", "fsync": "on"}
# What was committed survives kill -9 of the server with these, too, but not the loss of the machine.
_FAST = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "on"}
_COMMON = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "cluster_name": APPLICATION,
}
_WHO_MAY = "host all all 127.0.0.1/32 scram-sha-256\n"
_SETUP_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """`durable` is the promise of `ordersys up`; tests that throw their data away may do without it.
    `settings` beat our own: a measurement may want more memory.
    """

    data: Path
    port: int
    password_file: Path
    durable: bool = True
    bin_dir: Path | None = None
    namespaces: bool | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "postgres"
    stop_signal: signal.Signals = signal.SIGINT

    @property
    def address(self) -> str:
        return self.url()

    @property
    def password(self) -> str:
        return self.password_file.read_text().strip()

    def url(self, database: str = APPLICATION, *, user: str = APPLICATION, scheme: str = "postgresql") -> str:
        return f"{scheme}://{user}:{self.password}@{HOST}:{self.port}/{database}"

    @cached_property
    def _binaries(self) -> PostgresBinaries:
        return postgres_binaries.find(self.bin_dir)

    @cached_property
    def _privileges(self) -> Privileges:
        return privileges.choose(must_reach=(self.data, self._binaries.postgres), namespaces=self.namespaces)

    def prepare(self, report: ReportProgress = quietly) -> None:
        runs_as = self._privileges
        if not (self.data / "PG_VERSION").exists():
            report("creating the database cluster")
            self._create()
        self._check_version()
        runs_as.hand_over(self.data)
        leftovers.end_postmaster(self.data)
        if not self.password_file.exists():
            report("setting a new password")
            self._renew_password()
        require_free(self.port)

    def command(self) -> Command:
        settings = _COMMON | (_DURABLE if self.durable else _FAST) | {"port": str(self.port), **self.settings}
        flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return self._command(self._binaries.postgres, "-D", str(self.data.absolute()), *flags)

    def ready(self) -> bool:
        return probes.postgres_accepts(self.port, SUPERUSER)

    def alive(self) -> bool:
        return probes.postgres_breathes(self.port, SUPERUSER)

    def _command(self, program: Path, *arguments: str) -> Command:
        as_whom = self._privileges
        return Command(
            argv=(*as_whom.prefix, str(program), *arguments),
            cwd=self.data,
            env={"LC_ALL": "C"},
            # Whatever the user's shell holds for another PostgreSQL would be taken over.
            without=("PGDATA", "PGPORT", "PGHOST", "PGDATABASE", "PGOPTIONS"),
            user=as_whom.user,
            group=as_whom.group,
        )

    def _create(self) -> None:
        """Into a folder aside, renamed when whole: an interrupted creation leaves nothing that looks like a cluster."""
        draft = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        draft.mkdir(parents=True, mode=0o700)
        self._privileges.hand_over(draft)
        creator = Postgres(
            data=draft,
            port=self.port,
            password_file=self.password_file,
            durable=self.durable,
            bin_dir=self.bin_dir,
            namespaces=self.namespaces,
        )
        creator._initialise()
        draft.rename(self.data)

    def _initialise(self) -> None:
        sync = () if self.durable else ("--no-sync",)
        arguments = ("-D", str(self.data.absolute()), "-U", SUPERUSER, "--auth=trust", *_INITDB, *sync)
        self._run(self._command(self._binaries.initdb, *arguments), "")
        (self.data / "pg_hba.conf").write_text(_WHO_MAY)
        password = _generate()
        self._single_user(
            f"ALTER ROLE {SUPERUSER} PASSWORD '{password}';",
            f"CREATE ROLE {APPLICATION} LOGIN PASSWORD '{password}';",
            f"CREATE DATABASE {APPLICATION} OWNER {APPLICATION};",
        )
        _keep(self.password_file, password)

    def _renew_password(self) -> None:
        password = _generate()
        self._single_user(*(f"ALTER ROLE {role} PASSWORD '{password}';" for role in (SUPERUSER, APPLICATION)))
        _keep(self.password_file, password)

    def _single_user(self, *statements: str) -> None:
        sync = () if self.durable else ("-F",)
        command = self._command(
            self._binaries.postgres,
            "--single",
            "-D",
            str(self.data.absolute()),
            *sync,
            "-c",
            "log_checkpoints=off",
            "postgres",
        )
        self._run(command, "".join(f"{statement}\n" for statement in statements))

    def _run(self, command: Command, text: str) -> None:
        try:
            done = _call(command, text)
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedError(f"PostgreSQL could not be set up in {self.data}: {error}") from error
        if done.returncode:
            raise EmbeddedError(f"PostgreSQL could not be set up in {self.data}:\n{_last_lines(done.stdout)}")

    def _check_version(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != str(postgres_binaries.MAJOR):
            raise EmbeddedError(
                f"{self.data} holds data of PostgreSQL {version}, and this is PostgreSQL {postgres_binaries.MAJOR}."
                " Move the folder away, or bring the data over with pg_dump."
            )


def _call(command: Command, text: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command.argv,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SETUP_SECONDS,
        cwd=command.cwd,
        env=command.environment(),
        user=command.user,
        group=command.group,
        extra_groups=[] if command.user is not None else None,
        check=False,
    )


def _generate() -> str:
    return secrets.token_urlsafe(18)


def _keep(file: Path, password: str) -> None:
    """Readable by its owner alone from its first moment; in place only when it is whole."""
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600, exist_ok=False)
    draft.write_text(password + "\n")
    draft.replace(file)


def _last_lines(text: str, count: int = 8) -> str:
    return "\n".join(text.strip().splitlines()[-count:])
