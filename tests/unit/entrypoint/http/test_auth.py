import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm
from jwt.exceptions import PyJWKClientConnectionError
from litestar import Litestar, Request, get
from litestar.testing import TestClient

from ordersys.config import AuthSettings, Secret
from ordersys.domain.shared.errors import Unavailable
from ordersys.entrypoint.http import tokens as tokens_module
from ordersys.entrypoint.http.auth import BearerAuth, operators_only
from ordersys.entrypoint.http.tokens import (
    CLOCK_SKEW_SECONDS,
    LONGEST_REMEMBERED,
    DemoTokensOff,
    InvalidUser,
    TokenRefused,
    Tokens,
    mint,
)
from tests.fakes.clock import FakeClock

SHARED = AuthSettings()
PUBLIC = AuthSettings(algorithms=("ES256",), jwks_url="https://id.example/keys", demo=False)
SECRET = SHARED.secret.reveal()
NOW = datetime.now(UTC)


def claims(**changes: Any) -> dict[str, Any]:
    good = {"iss": "ordersys", "aud": "ordersys", "sub": "ann", "exp": NOW + timedelta(hours=1), "roles": ["customer"]}
    return {key: value for key, value in (good | changes).items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **changes: Any) -> str:
    return jwt.encode(claims(**changes), key, algorithm=algorithm, headers={"kid": kid} if kid else None)


@get("/me")
async def me(request: Request[Any, Any, Any]) -> dict[str, Any]:
    return {"customer": request.user.customer, "roles": sorted(request.user.roles)}


@get("/open", opt={"exclude_from_auth": True})
async def open_to_all() -> str:
    return "open"


@get("/ops", guards=[operators_only])
async def operations() -> str:
    return "done"


@get("/mistake", guards=[operators_only], opt={"exclude_from_auth": True})
async def guarded_but_not_authenticated() -> str:
    return "done"


HANDLERS = [me, open_to_all, operations, guarded_but_not_authenticated]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    app = Litestar(HANDLERS, middleware=[BearerAuth(Tokens(SHARED))], openapi_config=None, logging_config=None)
    with TestClient(app) as client:
        yield client


def bearer(token: str) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_minted_token_names_the_customer_and_the_role(client: TestClient[Litestar]) -> None:
    answer = client.get("/me", headers=bearer(mint(SHARED, "ann", "operator", NOW)))

    assert answer.json() == {"customer": "ann", "roles": ["operator"]}


def test_a_route_can_be_left_open(client: TestClient[Litestar]) -> None:
    assert client.get("/open").text == "open"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}])
def test_without_a_bearer_token_the_answer_is_401_with_a_challenge(
    client: TestClient[Litestar], header: Mapping[str, str]
) -> None:
    answer = client.get("/me", headers=header)

    assert answer.status_code == 401
    assert answer.json()["extra"] == {"code": "unauthorized"}
    assert answer.headers["WWW-Authenticate"] == "Bearer"


REFUSED = {
    "expired": signed(exp=NOW - timedelta(minutes=1)),
    "no expiry": signed(exp=None),
    "wrong audience": signed(aud="another"),
    "no audience": signed(aud=None),
    "wrong issuer": signed(iss="another"),
    "no issuer": signed(iss=None),
    "no subject": signed(sub=None),
    "empty subject": signed(sub=""),
    "unprintable subject": signed(sub="ann\x00"),
    "endless subject": signed(sub="a" * 256),
    "roles are no list": signed(roles="operator"),
    "algorithm none": signed("", "none"),
    "algorithm not listed": signed(algorithm="HS384", key="k" * 48),
    "foreign key": signed(key="another-secret-that-is-also-long-enough"),
    "garbage": "not.a.token",
    "changed payload": ".".join(
        part if at != 1 else signed(sub="eve").split(".")[1] for at, part in enumerate(signed().split("."))
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_token_that_proves_nothing_is_401(client: TestClient[Litestar], case: str) -> None:
    answer = client.get("/me", headers=bearer(REFUSED[case]))

    assert answer.status_code == 401
    assert answer.json()["extra"] == {"code": "unauthorized"}
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_unknown_roles_are_ignored_and_none_at_all_means_customer(client: TestClient[Litestar]) -> None:
    strange = client.get("/me", headers=bearer(signed(roles=["root", "operator", {}])))
    silent = client.get("/me", headers=bearer(signed(roles=None)))

    assert strange.json()["roles"] == ["operator"]
    assert silent.json()["roles"] == ["customer"]


def test_operators_pass_the_guard_and_nobody_else(client: TestClient[Litestar]) -> None:
    operator, customer = (bearer(signed(roles=[role])) for role in ("operator", "customer"))

    assert client.get("/ops", headers=operator).status_code == 200
    refused = client.get("/ops", headers=customer)
    assert refused.status_code == 403
    assert refused.json()["extra"] == {"code": "forbidden"}
    assert client.get("/mistake", headers=operator).status_code == 403


def test_demo_tokens_are_not_made_when_switched_off() -> None:
    with pytest.raises(DemoTokensOff):
        mint(AuthSettings(demo=False), "ann", "customer", NOW)


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 256])
def test_demo_tokens_are_not_made_for_an_unusable_name(user: str) -> None:
    with pytest.raises(InvalidUser):
        mint(SHARED, user, "customer", NOW)


@dataclass
class Provider:
    """An identity provider, instead of the fetch over the network."""

    keys: dict[str, EllipticCurvePrivateKey] = field(default_factory=dict)
    fetches: int = 0
    away: bool = False

    def fetch(self) -> dict[str, Any]:
        self.fetches += 1
        if self.away:
            raise PyJWKClientConnectionError("no route")
        return {"keys": [_public(key) | {"kid": kid, "use": "sig"} for kid, key in self.keys.items()]}

    def rotate(self, kid: str) -> None:
        self.keys = {kid: generate_private_key(SECP256R1())}

    def token(self, kid: str, **changes: Any) -> str:
        return signed(self.keys[kid], "ES256", kid=kid, **changes)


def _public(key: EllipticCurvePrivateKey) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    return jwk


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    """What the library fetches, it also keeps; here the keeping is the library's and the fetching ours."""
    provider = Provider()
    provider.rotate("one")
    fetch_data: Callable[[jwt.PyJWKClient], Any] = lambda _: provider.fetch()  # noqa: E731
    monkeypatch.setattr(jwt.PyJWKClient, "fetch_data", fetch_data)
    monkeypatch.setattr(tokens_module, "UNKNOWN_KEY_PAUSE_SECONDS", 0)
    return provider


class Verifications:
    """Counts what is really verified."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._decode = jwt.decode
        monkeypatch.setattr(jwt, "decode", self)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.count += 1
        return self._decode(*arguments, **options)


@pytest.fixture
def verifications(monkeypatch: pytest.MonkeyPatch) -> Verifications:
    return Verifications(monkeypatch)


async def test_a_token_is_verified_once_and_stands_for_nobody_else(verifications: Verifications) -> None:
    tokens, (anna, boris) = Tokens(SHARED), (signed(sub="anna"), signed(sub="boris"))

    found = [(await tokens.check(token)).customer for token in (anna, boris, anna, boris)]

    assert found == ["anna", "boris", "anna", "boris"]
    assert verifications.count == 2


async def test_a_verified_token_expires_all_the_same() -> None:
    clock = FakeClock(passed=NOW.timestamp())
    tokens, token = Tokens(SHARED, clock), signed(exp=NOW + timedelta(hours=1))
    await tokens.check(token)

    clock.advance(3600 + CLOCK_SKEW_SECONDS - 2)
    assert (await tokens.check(token)).customer == "ann"
    clock.advance(2)
    with pytest.raises(TokenRefused, match="expired"):
        await tokens.check(token)


async def test_a_verified_token_does_not_lend_its_proof_to_a_changed_one(verifications: Verifications) -> None:
    tokens, token = Tokens(SHARED), signed()
    await tokens.check(token)

    for changed in (token[:-2], token + "A", token.swapcase()):
        with pytest.raises(TokenRefused):
            await tokens.check(changed)
    assert verifications.count == 4


async def test_a_refused_token_is_refused_again(verifications: Verifications) -> None:
    tokens = Tokens(SHARED)

    for _ in range(2):
        with pytest.raises(TokenRefused):
            await tokens.check(REFUSED["foreign key"])
    assert verifications.count == 2


async def test_the_oldest_token_is_forgotten_when_there_are_too_many(
    verifications: Verifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens_module, "REMEMBERED", 2)
    tokens, (a, b, c) = Tokens(SHARED), (signed(sub=name) for name in "abc")

    for token in (a, b, c, b, c, a):
        await tokens.check(token)

    assert verifications.count == 4


async def test_an_endless_token_is_not_kept(verifications: Verifications) -> None:
    tokens, token = Tokens(SHARED), signed(more="m" * LONGEST_REMEMBERED)

    for _ in range(2):
        await tokens.check(token)

    assert verifications.count == 2


async def test_a_token_whose_key_was_withdrawn_is_verified_anew(
    provider: Provider, verifications: Verifications
) -> None:
    tokens, old = Tokens(PUBLIC), provider.token("one")
    for _ in range(3):
        await tokens.check(old)
    assert verifications.count == 1

    provider.rotate("two")
    await tokens.check(provider.token("two"))

    with pytest.raises(TokenRefused):
        await tokens.check(old)


async def test_public_keys_are_fetched_once_and_kept(provider: Provider) -> None:
    tokens = Tokens(PUBLIC)

    for _ in range(3):
        assert (await tokens.check(provider.token("one"))).customer == "ann"

    assert provider.fetches == 1


async def test_a_new_key_of_the_provider_is_taken_up(provider: Provider) -> None:
    tokens = Tokens(PUBLIC)
    await tokens.check(provider.token("one"))
    old = provider.token("one")

    provider.rotate("two")

    assert (await tokens.check(provider.token("two"))).customer == "ann"
    with pytest.raises(TokenRefused):
        await tokens.check(old)


async def test_a_key_of_somebody_else_under_the_same_id_is_refused(provider: Provider) -> None:
    with pytest.raises(TokenRefused):
        await Tokens(PUBLIC).check(signed(generate_private_key(SECP256R1()), "ES256", kid="one"))


async def test_a_public_key_does_not_serve_as_a_shared_secret(provider: Provider) -> None:
    pem = (
        provider.keys["one"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    forged = _hmac_token(pem, kid="one")

    with pytest.raises(TokenRefused):
        await Tokens(PUBLIC).check(forged)
    with pytest.raises(TokenRefused):
        await Tokens(PUBLIC).check(signed("", "none", kid="one"))
    assert provider.fetches == 0


def _hmac_token(key: bytes, kid: str) -> str:
    """By hand: the library refuses to sign with a public key."""
    import base64
    import hmac

    def part(content: bytes) -> bytes:
        return base64.urlsafe_b64encode(content).rstrip(b"=")

    payload = claims() | {"exp": int((NOW + timedelta(hours=1)).timestamp())}
    head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode())
    body = head + b"." + part(json.dumps(payload).encode())
    return (body + b"." + part(hmac.digest(key, body, "sha256"))).decode()


async def test_a_public_key_token_is_refused_where_a_secret_is_configured(provider: Provider) -> None:
    with pytest.raises(TokenRefused):
        await Tokens(SHARED).check(provider.token("one"))


async def test_an_absent_provider_is_not_the_callers_fault_and_is_not_asked_in_a_storm(provider: Provider) -> None:
    provider.away = True
    tokens = Tokens(PUBLIC)

    for _ in range(3):
        with pytest.raises(Unavailable):
            await tokens.check(provider.token("one"))

    assert provider.fetches == 1


async def test_kept_keys_outlive_an_absent_provider(provider: Provider) -> None:
    tokens = Tokens(PUBLIC)
    await tokens.check(provider.token("one"))
    provider.away = True

    assert (await tokens.check(provider.token("one"))).customer == "ann"


def test_the_secret_signs_with_the_first_listed_algorithm() -> None:
    settings = AuthSettings(algorithms=("HS512", "HS256"), secret=Secret("s" * 64))

    assert jwt.get_unverified_header(mint(settings, "ann", "customer", NOW))["alg"] == "HS512"
