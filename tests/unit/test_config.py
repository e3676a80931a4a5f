import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from ordersys.config import EXAMPLE_SECRET, ConfigError, Secret, Settings, load, public, read

PRODUCTION = {
    "ORDERSYS__ENVIRONMENT": "production",
    "ORDERSYS__AUTH__DEMO": "false",
    "ORDERSYS__AUTH__SECRET": "a-secret-of-our-own-that-is-long-enough",
}


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def refusals(path: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path, environ)
    return caught.value.problems


def test_nothing_said_means_the_defaults() -> None:
    assert load(None, {"PATH": "/bin", "ORDERSYS_OTHER": "ours alone is the prefix with two underscores"}) == Settings()


def test_file_beats_default_environment_beats_file_and_secret_file_beats_environment(
    file: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("from-a-mounted-file\n")
    file.write_text("kafka: {partitions: 12, batch_size: 50, sasl_password: from-yaml}\n")
    environ = {
        "ORDERSYS__KAFKA__BATCH_SIZE": "60",
        "ORDERSYS__KAFKA__SASL_PASSWORD": "from-environment",
        "ORDERSYS__KAFKA__SASL_PASSWORD__FILE": str(secret),
    }

    kafka = load(file, environ).kafka

    assert (kafka.partitions, kafka.batch_size, kafka.replication_factor) == (12, 60, 1)
    assert kafka.sasl_password.reveal() == "from-a-mounted-file"


def test_config_yaml_of_the_working_directory_is_read_unless_another_file_is_named(file: Path) -> None:
    Path("config.yaml").write_text("orders: {max_items: 3}\n")
    file.write_text("orders: {max_seats: 2}\n")

    assert load(None, {}).orders.max_items == 3
    assert load(file, {}).orders.max_items == Settings().orders.max_items


def test_a_running_stack_beats_the_file_and_the_environment_beats_it(file: Path) -> None:
    file.write_text("kafka: {bootstrap_servers: 'file:1'}\n")
    stack = {"ORDERSYS__REDIS__URL": "redis://stack:2", "ORDERSYS__KAFKA__BOOTSTRAP_SERVERS": "stack:3"}

    loaded = read(file, {"ORDERSYS__REDIS__URL": "redis://environment:4"}, stack=stack)

    assert loaded.settings.redis.url.reveal() == "redis://environment:4"
    assert loaded.settings.kafka.bootstrap_servers == "stack:3"
    assert "the running stack" in loaded.sources["kafka.bootstrap_servers"]


def test_environment_text_becomes_the_type_of_its_key() -> None:
    settings = load(
        None,
        {
            "ORDERSYS__INSTANCE": "5",
            "ORDERSYS__HTTP__PORT": "8081",
            "ORDERSYS__KAFKA__STATIC_MEMBERSHIP": "true",
            "ORDERSYS__REDIS__TIMEOUT_SECONDS": "0.5",
            "ORDERSYS__RELAY__RETRY_DELAYS_MS": "[1, 2]",
            "ORDERSYS__CHAOS__RATES": '{"publish.drop": 0.2}',
        },
    )

    assert settings.instance == "5"
    assert (settings.http.port, settings.kafka.static_membership, settings.redis.timeout_seconds) == (8081, True, 0.5)
    assert settings.relay.retry_delays_ms == (1, 2)
    assert settings.chaos.rates == {"publish.drop": 0.2}


def test_an_empty_section_keeps_its_defaults(file: Path) -> None:
    file.write_text("http:\nlog:\n  # all commented out\n")

    assert load(file, {}) == Settings()


def test_every_refusal_names_the_key_and_the_source_and_all_are_reported_at_once(file: Path) -> None:
    file.write_text("http: {port: '80', prot: 1}\nkafka: 5\nlogs: {}\n")

    problems = refusals(file, {"ORDERSYS__ORDERS__MAX_ITEMS": "0", "ORDERSYS__HTTP__PROT": "1"})

    assert problems == (
        f"http.port: Expected `int`, got `str` ({file})",
        f"http.prot: unknown key, did you mean http.port? ({file})",
        f"kafka: Expected a mapping ({file})",
        f"logs: unknown key ({file})",
        "ORDERSYS__HTTP__PROT: unknown name, did you mean ORDERSYS__HTTP__PORT? (environment)",
        "orders.max_items: Expected `int` >= 1 (environment ORDERSYS__ORDERS__MAX_ITEMS)",
    )


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        ("ORDERSYS__HTTP__PORT", "65536", "http.port"),
        ("ORDERSYS__HTTP__PORT", "eighty", "http.port"),
        ("ORDERSYS__KAFKA__STATIC_MEMBERSHIP", "maybe", "kafka.static_membership"),
        ("ORDERSYS__SHUTDOWN_SECONDS", "nan", "shutdown_seconds"),
        ("ORDERSYS__SHUTDOWN_SECONDS", "0", "shutdown_seconds"),
        ("ORDERSYS__ENVIRONMENT", "prod", "environment"),
        ("ORDERSYS__INSTANCE", "worker 1", "instance"),
        ("ORDERSYS__CHAOS__RATES", "{publish.delay: 1, publish.drop: 1.5}", "chaos.rates[publish.drop]"),
        ("ORDERSYS__CHAOS__RATES", "{publish.drop: .nan}", "chaos.rates[publish.drop]"),
        ("ORDERSYS__CHAOS__RATES", "{publish.dorp: 0.5}", "chaos.rates"),
        ("ORDERSYS__CHAOS__RATES", "{publish.drop", "chaos.rates"),
        ("ORDERSYS__RELAY__RETRY_DELAYS_MS", "[1, -1]", "relay.retry_delays_ms[1]"),
        ("ORDERSYS__RELAY__RETRY_DELAYS_MS", "[]", "relay.retry_delays_ms"),
        ("ORDERSYS__POSTGRES__URL", "postgresql://u:p@h/d", "postgres.url"),
        ("ORDERSYS__REDIS__URL", "http://h", "redis.url"),
        ("ORDERSYS__AUTH__ALGORITHMS", "[none]", "auth.algorithms[0]"),
        ("ORDERSYS__AUTH__ALGORITHMS", "[HS256, RS256]", "auth.algorithms"),
        ("ORDERSYS__AUTH__ALGORITHMS", "[RS256]", "auth.jwks_url"),
        ("ORDERSYS__AUTH__SECRET", "too short", "auth.secret"),
        ("ORDERSYS__AUTH__SECRET__FILE", "/nowhere/secret", "auth.secret"),
        ("ORDERSYS__AUTH__JWKS_URL", "file:///etc/passwd", "auth.jwks_url"),
    ],
)
def test_a_bad_value_is_refused_with_its_path_and_name(name: str, text: str, path: str) -> None:
    problem = refusals(None, {name: text})[0]

    assert problem.startswith(f"{path}: ")
    if path != "auth.jwks_url" or name.endswith("URL"):
        assert problem.endswith(f"(environment {name})")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http: {port: 1\n", "not YAML, line"),
        ("http:\n  port: 1\n  port: 2\n", "line 3, column 3: duplicate key port"),
        ("- http\n", "Expected a mapping of sections"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(file: Path, text: str, expected: str) -> None:
    file.write_text(text)

    assert expected in refusals(file, {})[0]


def test_a_named_file_that_is_missing_is_refused(file: Path) -> None:
    assert refusals(file, {}) == (f"{file}: the file cannot be read, No such file or directory",)


def test_production_refuses_demo_tokens_chaos_and_the_example_secret() -> None:
    environ = {"ORDERSYS__ENVIRONMENT": "production", "ORDERSYS__CHAOS__RATES": "{publish.drop: 0.1, publish.delay: 0}"}

    assert [line.partition(":")[0] for line in refusals(None, environ)] == [
        "auth.demo",
        "auth.secret",
        "chaos.rates[publish.drop]",
    ]
    assert load(None, PRODUCTION).environment == "production"


def test_production_does_not_need_a_secret_when_the_keys_are_public() -> None:
    environ = {
        "ORDERSYS__ENVIRONMENT": "production",
        "ORDERSYS__AUTH__DEMO": "false",
        "ORDERSYS__AUTH__ALGORITHMS": "[RS256]",
        "ORDERSYS__AUTH__JWKS_URL": "https://id.example/keys",
    }

    assert not load(None, environ).auth.shared_key


def test_a_secret_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = load(None, {"ORDERSYS__KAFKA__SASL_PASSWORD": "hunter2"})
    logging.getLogger(__name__).warning("%s %r", settings, settings.kafka.sasl_password)

    shown = [repr(settings), str(public(settings)), msgspec.json.encode(public(settings)).decode(), caplog.text]

    assert not [text for text in shown if "hunter2" in text or EXAMPLE_SECRET in text]
    with pytest.raises(TypeError):
        msgspec.json.encode(settings)


def test_a_refused_secret_is_not_in_the_message(file: Path) -> None:
    file.write_text("auth: {secret: 12345678}\n")

    assert "1234" not in refusals(file, {})[0]
    assert Secret("") != Secret("x")


@pytest.mark.parametrize(
    ("retention", "accepted"),
    [
        ("{inbox_days: 30, dead_letter_days: 14, topic_days: 7}", True),
        ("{inbox_days: 23, dead_letter_days: 14, topic_days: 7}", True),
        ("{inbox_days: 22, dead_letter_days: 14, topic_days: 7}", False),
        ("{topic_days: 20}", False),
        ("{dead_letter_days: 365}", False),
    ],
)
def test_the_inbox_remembers_longer_than_an_event_can_come_again(file: Path, retention: str, accepted: bool) -> None:
    file.write_text(f"retention: {retention}\n")

    if accepted:
        assert load(file, {}).retention.inbox_days > 21
    else:
        (problem,) = refusals(file, {})
        assert problem.startswith("retention.inbox_days: Expected more than retention.dead_letter_days")
