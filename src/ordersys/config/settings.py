"""Settings: defaults < YAML file < `ORDERSYS__SECTION__KEY` < `ORDERSYS__SECTION__KEY__FILE` (the content of a file).

`config.example.yaml` explains every key; a test holds it against this file.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from ordersys.config.sources import Loaded, Reading, Secret

Role = Literal["api", "worker", "consumer", "payment", "ticket"]
FaultPoint = Literal[
    "publish.drop",
    "publish.ack_lost",
    "publish.duplicate",
    "publish.delay",
    "consume.fail",
    "consume.crash",
    "database.blip",
    "gateway.timeout",
    "airline.reject",
]
Algorithm = Literal[
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"
]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Days = Annotated[int, Meta(ge=1, le=3650)]
Rate = Annotated[float, Meta(ge=0, le=1)]
Milliseconds = Annotated[int, Meta(ge=1, le=3_600_000)]

ROLES: Final[tuple[Role, ...]] = get_args(Role)
ROLE_PORTS: Final[Mapping[Role, int]] = {"api": 8080, "worker": 9101, "consumer": 9102, "payment": 9103, "ticket": 9104}
FAULT_POINTS: Final[tuple[FaultPoint, ...]] = get_args(FaultPoint)
EXAMPLE_SECRET: Final = "ordersys-demo-secret-do-not-use-in-production"  # noqa: S105  # public, refused in production
# The attempts of one event take seconds, but later events of its order wait for it, and a stopped role retries nothing.
RETRY_HORIZON: Final = timedelta(days=1)
DEFAULT_FILE: Final = Path("config.yaml")


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of keys; subclasses inherit its strictness."""


class PostgresSettings(Section, frozen=True, kw_only=True):
    url: Secret = Secret("postgresql+asyncpg://ordersys:ordersys@localhost:5432/ordersys")
    pool_size: Annotated[int, Meta(ge=1, le=500)] = 8
    connect_timeout_seconds: Seconds = 3
    statement_timeout_seconds: Seconds = 10
    idle_transaction_seconds: Seconds = 5


class RedisSettings(Section, frozen=True, kw_only=True):
    url: Secret = Secret("redis://localhost:6379/0")
    timeout_seconds: Seconds = 1


class KafkaSettings(Section, frozen=True, kw_only=True):
    bootstrap_servers: Annotated[str, Meta(min_length=1)] = "localhost:9092"
    topic_prefix: Annotated[str, Meta(max_length=200, pattern=r"^[A-Za-z0-9._-]*$")] = "ordersys."
    partitions: Annotated[int, Meta(ge=1, le=1000)] = 6
    replication_factor: Annotated[int, Meta(ge=1, le=10)] = 1
    static_membership: bool = False
    session_timeout_seconds: Annotated[float, Meta(ge=1, le=1800)] = 6
    message_timeout_seconds: Seconds = 4
    batch_size: Annotated[int, Meta(ge=1, le=10_000)] = 500
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = ""
    sasl_username: str = ""
    sasl_password: Secret = Secret("")


class HttpSettings(Section, frozen=True, kw_only=True):
    host: Annotated[str, Meta(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 0
    max_body_bytes: Annotated[int, Meta(ge=1024, le=10_485_760)] = 65_536
    page: str = "frontend/dist"


class AuthSettings(Section, frozen=True, kw_only=True):
    algorithms: Annotated[tuple[Algorithm, ...], Meta(min_length=1)] = ("HS256",)
    secret: Secret = Secret(EXAMPLE_SECRET)
    jwks_url: Annotated[str, Meta(pattern=r"^(https?://\S+)?$")] = ""
    issuer: Annotated[str, Meta(min_length=1)] = "ordersys"
    audience: Annotated[str, Meta(min_length=1)] = "ordersys"
    demo: bool = True
    token_hours: Annotated[float, Meta(gt=0, le=720)] = 12

    @property
    def shared_key(self) -> bool:
        """True if tokens are signed with the secret, False if with a key of `jwks_url`."""
        return all(name.startswith("HS") for name in self.algorithms)


class OrdersSettings(Section, frozen=True, kw_only=True):
    max_items: Annotated[int, Meta(ge=1, le=100)] = 10
    max_seats: Annotated[int, Meta(ge=1, le=100)] = 9
    idempotency_hours: Annotated[int, Meta(ge=1, le=8760)] = 24
    deadline_seconds: Annotated[float, Meta(ge=1, le=604_800)] = 300


class CoalescerSettings(Section, frozen=True, kw_only=True):
    batch_size: Annotated[int, Meta(ge=1, le=1000)] = 128
    batches_in_flight: Annotated[int, Meta(ge=1, le=64)] = 2
    queue_size: Annotated[int, Meta(ge=1, le=1_000_000)] = 2048


class WatchingSettings(Section, frozen=True, kw_only=True):
    max_streams: Annotated[int, Meta(ge=0, le=1_000_000)] = 2000
    poll_seconds: Seconds = 5
    disconnected_poll_seconds: Seconds = 1


class RelaySettings(Section, frozen=True, kw_only=True):
    batch_size: Annotated[int, Meta(ge=1, le=10_000)] = 500
    lease_seconds: Annotated[float, Meta(ge=1, le=300)] = 5
    busy_poll_ms: Milliseconds = 3
    linger_ms: Milliseconds = 100
    idle_poll_ms: Milliseconds = 250
    disconnected_poll_ms: Milliseconds = 50
    retry_delays_ms: Annotated[tuple[Milliseconds, ...], Meta(min_length=1)] = (50, 100, 200, 400, 1000, 2000, 5000)


class RetriesSettings(Section, frozen=True, kw_only=True):
    delays_seconds: Annotated[tuple[Seconds, ...], Meta(min_length=1, max_length=20)] = (1, 2, 4, 8)
    idle_poll_ms: Milliseconds = 500


class PaymentsSettings(Section, frozen=True, kw_only=True):
    gateway_timeout_seconds: Seconds = 3.0
    lease_seconds: Annotated[float, Meta(ge=1, le=300)] = 6
    batch_size: Annotated[int, Meta(ge=1, le=10_000)] = 200
    concurrency: Annotated[int, Meta(ge=1, le=10_000)] = 256
    retry_delays_seconds: Annotated[tuple[Seconds, ...], Meta(min_length=1)] = (0.2, 0.5, 1, 2, 4, 8)
    idle_poll_ms: Milliseconds = 500


class ChaosSettings(Section, frozen=True, kw_only=True):
    seed: int = 20261123
    rates: dict[FaultPoint, Rate] = {}


class RetentionSettings(Section, frozen=True, kw_only=True):
    archive_days: Days = 30
    inbox_days: Days = 30
    dead_letter_days: Days = 14
    topic_days: Days = 7


class LogSettings(Section, frozen=True, kw_only=True):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Settings(Section, frozen=True, kw_only=True):
    environment: Literal["demo", "production"] = "demo"
    instance: Annotated[str, Meta(max_length=100, pattern=r"^[A-Za-z0-9._-]*$")] = ""
    shutdown_seconds: Seconds = 10
    postgres: PostgresSettings = PostgresSettings()
    redis: RedisSettings = RedisSettings()
    kafka: KafkaSettings = KafkaSettings()
    http: HttpSettings = HttpSettings()
    auth: AuthSettings = AuthSettings()
    orders: OrdersSettings = OrdersSettings()
    coalescer: CoalescerSettings = CoalescerSettings()
    watching: WatchingSettings = WatchingSettings()
    relay: RelaySettings = RelaySettings()
    retries: RetriesSettings = RetriesSettings()
    payments: PaymentsSettings = PaymentsSettings()
    chaos: ChaosSettings = ChaosSettings()
    retention: RetentionSettings = RetentionSettings()
    log: LogSettings = LogSettings()


def load(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """Reads the file at `path`, else `config.yaml` of the working directory if it exists. Raises ConfigError."""
    return read(path, environ).settings


def read(path: Path | None, environ: Mapping[str, str], *, stack: Mapping[str, str] | None = None) -> Loaded[Settings]:
    """`stack`: addresses of the stack that runs in this folder, as environment variables; they override the file."""
    reading = Reading(Settings)
    file = path or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)
    if file:
        reading.take_file(file)
    reading.take_names(stack or {}, "the running stack,")
    reading.take_names(environ, "environment")
    return reading.finish(CHECKS)


def as_yaml(loaded: Loaded[Settings]) -> str:
    """Returns the effective settings as YAML, each with its source as a comment. Secrets are hidden."""
    lines: list[str] = []
    for key, value in public(loaded.settings).items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [_line(f"{key}.{inner}", item, loaded, indent="  ") for inner, item in value.items()]
        else:
            lines.append(_line(key, value, loaded))
    return "".join(f"{line}\n" for line in lines)


def public(settings: Settings) -> dict[str, Any]:
    """Returns the settings as plain values. Secrets are hidden."""
    plain: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=repr)
    return plain


def _line(key: str, value: Any, loaded: Loaded[Settings], indent: str = "") -> str:
    """Returns one line of YAML; the value is JSON, which is valid YAML."""
    source = f"  # {loaded.sources[key]}" if key in loaded.sources else ""
    return f"{indent}{key.rpartition('.')[2]}: {msgspec.json.encode(value).decode()}{source}"


def _check_addresses(settings: Settings) -> Iterator[str]:
    if not settings.postgres.url.reveal().startswith("postgresql+asyncpg://"):
        yield "postgres.url: Expected an address that starts with postgresql+asyncpg://"
    if not settings.redis.url.reveal().startswith(("redis://", "rediss://", "unix://")):
        yield "redis.url: Expected an address that starts with redis://, rediss:// or unix://"


def _check_auth(settings: Settings) -> Iterator[str]:
    auth = settings.auth
    if any(name.startswith("HS") for name in auth.algorithms) and not auth.shared_key:
        # One list for both would let a public key be used as an HMAC secret.
        yield "auth.algorithms: HS algorithms cannot be mixed with public key algorithms"
    elif auth.shared_key:
        yield from _check_shared_key(auth)
    else:
        yield from _check_public_keys(auth)


def _check_shared_key(auth: AuthSettings) -> Iterator[str]:
    needed = max(int(name.removeprefix("HS")) // 8 for name in auth.algorithms)
    if len(auth.secret.reveal().encode()) < needed:
        yield f"auth.secret: Expected at least {needed} bytes for {', '.join(auth.algorithms)} (RFC 7518)"
    if auth.jwks_url:
        yield "auth.jwks_url: requires public key algorithms in auth.algorithms"


def _check_public_keys(auth: AuthSettings) -> Iterator[str]:
    if not auth.jwks_url:
        yield "auth.jwks_url: required for public key algorithms"
    if auth.demo:
        yield "auth.demo: demo tokens require an HS algorithm"


def _check_payments(settings: Settings) -> Iterator[str]:
    payments = settings.payments
    if payments.gateway_timeout_seconds >= payments.lease_seconds:
        yield "payments.gateway_timeout_seconds: Expected less than payments.lease_seconds"


def _check_retention(settings: Settings) -> Iterator[str]:
    """An event can be redelivered as long as its topic, its retries or its dead letter keep it: the inbox must keep it
    longer.
    """
    kept = settings.retention
    retries = RETRY_HORIZON + timedelta(seconds=sum(settings.retries.delays_seconds))
    window = timedelta(days=kept.dead_letter_days + kept.topic_days) + retries
    if timedelta(days=kept.inbox_days) <= window:
        yield (
            "retention.inbox_days: Expected more than retention.dead_letter_days + retention.topic_days + "
            f"retries.delays_seconds + {RETRY_HORIZON.days} day ({window.total_seconds() / 86_400:.1f} days together)"
        )


def _check_production(settings: Settings) -> Iterator[str]:
    if settings.environment != "production":
        return
    if settings.auth.demo:
        yield "auth.demo: must be false with environment: production"
    if settings.auth.shared_key and settings.auth.secret.reveal() == EXAMPLE_SECRET:
        yield "auth.secret: the example secret is not allowed with environment: production"
    for point, rate in settings.chaos.rates.items():
        if rate > 0:
            yield f"chaos.rates[{point}]: must be 0 with environment: production"


CHECKS: Final[tuple[Callable[[Settings], Iterator[str]], ...]] = (
    _check_addresses,
    _check_auth,
    _check_payments,
    _check_retention,
    _check_production,
)
