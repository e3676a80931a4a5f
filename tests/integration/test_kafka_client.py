import json
import logging
from collections import Counter

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from ordersys.config import KafkaSettings, Secret
from ordersys.infrastructure.kafka.client import ALL_BROKERS_DOWN, Link, client_config, library_log
from ordersys.infrastructure.kafka.workarounds import FORGOTTEN_SECONDS, KnownBrokers

NOBODY_ANSWERS = KafkaError(ALL_BROKERS_DOWN)


def statistics(*states: str) -> str:
    brokers = {f"b{n}": {"nodeid": n, "state": state, "source": "learned"} for n, state in enumerate(states)}
    return json.dumps({"brokers": brokers, "topics": {}})


def test_a_plain_connection_has_no_sasl_settings() -> None:
    assert not [key for key in client_config(KafkaSettings()) if key.startswith("sasl")]


def test_sasl_settings_are_passed_on() -> None:
    kafka = KafkaSettings(
        security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512", sasl_username="u", sasl_password=Secret("p")
    )

    config = client_config(kafka)

    assert config["security.protocol"] == "SASL_SSL"
    assert (config["sasl.mechanisms"], config["sasl.username"], config["sasl.password"]) == ("SCRAM-SHA-512", "u", "p")


def test_a_link_is_neither_connected_nor_away_before_it_was_tried() -> None:
    link = Link("x")

    assert (link.connected, link.away) == (False, False)


def test_a_loss_and_a_return_are_said_once_each() -> None:
    link = Link("x")
    with capture_logs() as logs:
        link.seen()
        for _ in range(5):
            link.on_error(NOBODY_ANSWERS)
        assert link.away
        for _ in range(5):
            link.on_statistics(statistics("UP"))

    assert link.connected
    assert Counter(entry["action"] for entry in logs) == {"kafka.lost": 1, "kafka.back": 1}


def test_one_broker_of_several_may_be_away() -> None:
    link = Link("x")
    link.seen()
    link.on_error(KafkaError(KafkaError._TRANSPORT))

    assert link.connected


def test_statistics_without_a_live_broker_change_nothing() -> None:
    link = Link("x")
    link.on_error(NOBODY_ANSWERS)
    link.on_statistics(statistics("DOWN", "TRY_CONNECT"))

    assert link.away


UNKNOWN = {"GroupCoordinator": {"source": "logical"}}


def test_a_client_that_knows_no_broker_for_long_is_given_up() -> None:
    known = KnownBrokers()
    answers = [known.forgotten({"brokers": UNKNOWN}, now=now) for now in (5, 5 + FORGOTTEN_SECONDS - 0.1)]
    assert answers == ["", ""]

    assert known.forgotten({"brokers": {}}, now=5 + FORGOTTEN_SECONDS) == "the client has known no broker for 3 s"


@pytest.mark.parametrize("source", ["configured", "learned"])
def test_a_client_that_begins_again_with_one_is_not(source: str) -> None:
    known = KnownBrokers()
    known.forgotten({"brokers": UNKNOWN}, now=0)
    known.forgotten({"brokers": UNKNOWN | {"kafka:9092": {"source": source}}}, now=1)

    assert known.forgotten({"brokers": UNKNOWN}, now=FORGOTTEN_SECONDS) == ""


def test_the_library_says_the_same_thing_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for seconds in range(50):
            library_log.warning("%s [%s] %s", "FAIL", "one-host", f"refused after {seconds}ms")
        library_log.warning("%s [%s] %s", "FAIL", "another", "refused after 0ms")

    assert len(caplog.records) == 2
