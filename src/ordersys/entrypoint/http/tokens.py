"""Bearer tokens (JWT), verified by the settings alone, never by what a token claims about itself.

Invariant: the accepted algorithms come from the settings and belong to one family, so neither `none` nor a public key
used as an HMAC secret can verify.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex
from time import monotonic, time
from typing import Any, Final, Literal, get_args

import jwt
from jwt.exceptions import PyJWKClientConnectionError, PyJWTError

from ordersys.config import AuthSettings
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.errors import DomainError, Kind, Unavailable
from ordersys.domain.shared.ids import CustomerId

UserRole = Literal["customer", "operator"]
USER_ROLES: Final[tuple[UserRole, ...]] = get_args(UserRole)
REQUIRED: Final = ["exp", "iss", "aud", "sub"]
CLOCK_SKEW_SECONDS: Final = 10
LONGEST_SUBJECT: Final = 255
KEYS_KEPT_SECONDS: Final = 300
FETCH_TIMEOUT_SECONDS: Final = 5
UNKNOWN_KEY_PAUSE_SECONDS: Final = 10
FAILED_FETCH_PAUSE_SECONDS: Final = 2
REMEMBERED: Final = 4096
LONGEST_REMEMBERED: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The authenticated caller."""

    customer: CustomerId
    roles: frozenset[str]


def is_operator(user: Principal) -> bool:
    return "operator" in user.roles


def owner(user: Principal) -> CustomerId | None:
    """Returns the customer whose orders the caller may see, or None for operators, who see all."""
    return None if is_operator(user) else user.customer


class TokenRefused(Exception):
    """The token is not valid. The message may be shown to the caller."""


class DemoTokensOff(DomainError):
    """The identity provider issues tokens; demo tokens are disabled (`auth.demo` is false)."""

    def __init__(self) -> None:
        super().__init__("demo_auth_off", Kind.REJECTED, "Demo tokens are disabled (auth.demo is false).")


class InvalidUser(DomainError):
    """The user name cannot be the subject of a token."""

    def __init__(self) -> None:
        super().__init__("invalid_user", Kind.INVALID, f"A user name has 1 to {LONGEST_SUBJECT} printable characters.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A verified token: its principal, its expiry (Unix seconds), and the key that verified it."""

    principal: Principal
    until: float
    kid: str
    key: str | jwt.PyJWK


class Tokens:
    """Checks tokens. Raises TokenRefused, or Unavailable if the public keys are needed and cannot be fetched.

    Clients reuse a token, so it is verified once, and again after its key was fetched again. Its expiry is checked
    every time.
    """

    def __init__(self, settings: AuthSettings, now: Callable[[], float] = time) -> None:
        self._settings = settings
        self._now = now
        self._keys = None if settings.shared_key else KeySet(settings.jwks_url)
        self._secret = settings.secret.reveal()
        self._verified: dict[str, Verified] = {}

    async def check(self, token: str) -> Principal:
        verified = self._verified.get(token)
        if verified is None or not self._holds(verified):
            verified = self._verify(token, *await self._key(token))
            self._remember(token, verified)
        elif verified.until <= self._now():
            raise _expired()
        return verified.principal

    def _holds(self, verified: Verified) -> bool:
        return self._keys is None or self._keys.known(verified.kid) is verified.key

    def _remember(self, token: str, verified: Verified) -> None:
        """Evicts the oldest token when the cache is full."""
        if len(token) > LONGEST_REMEMBERED:
            return
        self._verified.pop(token, None)
        if len(self._verified) >= REMEMBERED:
            del self._verified[next(iter(self._verified))]
        self._verified[token] = verified

    def _verify(self, token: str, kid: str, key: str | jwt.PyJWK) -> Verified:
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=list(self._settings.algorithms),
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=CLOCK_SKEW_SECONDS,
                options={"require": REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise _expired() from None
        except PyJWTError:
            raise TokenRefused("The token is invalid.") from None
        until = int(claims["exp"]) + CLOCK_SKEW_SECONDS
        return Verified(principal=_principal(claims), until=until, kid=kid, key=key)

    async def _key(self, token: str) -> tuple[str, str | jwt.PyJWK]:
        """Returns the key id and the key."""
        if self._keys is None:
            return "", self._secret
        try:
            header = jwt.get_unverified_header(token)
        except PyJWTError:
            raise TokenRefused("The token is invalid.") from None
        # Checked before the key: a token that can never be accepted must not cause a fetch.
        if header.get("alg") not in self._settings.algorithms:
            raise TokenRefused("The token is invalid.")
        kid = str(header.get("kid"))
        return kid, await self._keys.key(kid)


class KeySet:
    """The identity provider's public keys: cached for five minutes, fetched immediately for an unknown key id."""

    def __init__(self, url: str) -> None:
        self._client = jwt.PyJWKClient(
            url,
            lifespan=KEYS_KEPT_SECONDS,
            timeout=FETCH_TIMEOUT_SECONDS,
            cooldown_duration=UNKNOWN_KEY_PAUSE_SECONDS,
        )
        self._fetching = asyncio.Lock()
        self._not_before = 0.0

    async def key(self, kid: str) -> jwt.PyJWK:
        if found := self.known(kid):
            return found
        async with self._fetching:
            return self.known(kid) or await self._fetch(kid)

    def known(self, kid: str) -> jwt.PyJWK | None:
        """Returns the cached key, without a fetch."""
        cache = self._client.jwk_set_cache
        keys = cache.get() if cache else None
        return self._client.match_kid(keys.keys, kid) if keys else None

    async def _fetch(self, kid: str) -> jwt.PyJWK:
        """Runs in a thread, as the client blocks. After a failure, waiting calls fail without another attempt."""
        if monotonic() < self._not_before:
            raise Unavailable("identity provider")
        try:
            return await asyncio.to_thread(self._client.get_signing_key, kid)
        except PyJWKClientConnectionError:
            self._not_before = monotonic() + FAILED_FETCH_PAUSE_SECONDS
            raise Unavailable("identity provider") from None
        except PyJWTError:
            raise TokenRefused("The token is signed with an unknown key.") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    token: str
    user: str
    role: UserRole
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoTokens:
    """Issues demo tokens."""

    settings: AuthSettings
    clock: Clock

    def mint(self, user: str | None, role: UserRole) -> Minted:
        """If `user` is None, a guest name is generated. Raises DemoTokensOff, InvalidUser."""
        user, now = f"guest-{token_hex(6)}" if user is None else user, self.clock.now()
        token = mint(self.settings, user, role, now)
        expires_at = now + timedelta(hours=self.settings.token_hours)
        return Minted(token=token, user=user, role=role, expires_at=expires_at.replace(microsecond=0))


def mint(settings: AuthSettings, user: str, role: UserRole, now: datetime) -> str:
    """Returns a demo token. Raises DemoTokensOff, InvalidUser."""
    if not settings.demo:
        raise DemoTokensOff
    if not _is_subject(user):
        raise InvalidUser
    claims = {
        "iss": settings.issuer,
        "aud": settings.audience,
        "sub": user,
        "roles": [role],
        "iat": now,
        "exp": now + timedelta(hours=settings.token_hours),
    }
    return jwt.encode(claims, settings.secret.reveal(), algorithm=settings.algorithms[0])


def _principal(claims: Mapping[str, Any]) -> Principal:
    subject, roles = claims["sub"], claims.get("roles", ["customer"])
    if not _is_subject(subject):
        raise TokenRefused("The token has no valid subject.")
    if not isinstance(roles, list):
        raise TokenRefused("The roles of the token are not a list.")
    return Principal(customer=CustomerId(subject), roles=frozenset(role for role in USER_ROLES if role in roles))


def _expired() -> TokenRefused:
    return TokenRefused("The token has expired.")


def _is_subject(user: str) -> bool:
    """Only printable characters: a text column refuses NUL, and control characters garble a terminal."""
    return 0 < len(user) <= LONGEST_SUBJECT and user.isprintable()
