from datetime import timedelta

import jwt
import pytest

from ordersys.config import AuthSettings
from ordersys.entrypoint.http.tokens import DemoTokens, DemoTokensOff, InvalidUser, Tokens
from ordersys.infrastructure.system import SystemClock
from tests.fakes.clock import NOON, FakeClock


def tokens(*, demo: bool = True) -> DemoTokens:
    return DemoTokens(settings=AuthSettings(demo=demo), clock=FakeClock())


async def test_a_token_is_that_of_the_user_who_is_named() -> None:
    made = DemoTokens(settings=AuthSettings(), clock=SystemClock()).mint("anna", "operator")

    assert (made.user, made.role) == ("anna", "operator")
    principal = await Tokens(AuthSettings()).check(made.token)
    assert str(principal.customer) == "anna"
    assert set(principal.roles) == {"operator"}


def test_it_tells_until_when_it_holds() -> None:
    made = tokens().mint("anna", "customer")
    claims = jwt.decode(made.token, options={"verify_signature": False})

    assert made.expires_at == NOON + timedelta(hours=AuthSettings().token_hours)
    assert claims["exp"] == made.expires_at.timestamp()


def test_guests_are_strangers_to_each_other() -> None:
    made = {tokens().mint(None, "customer").user for _ in range(20)}

    assert len(made) == 20
    assert all(user.startswith("guest-") for user in made)


def test_there_are_none_where_they_are_switched_off() -> None:
    with pytest.raises(DemoTokensOff):
        tokens(demo=False).mint("anna", "customer")


def test_a_name_that_cannot_be_a_subject_is_refused() -> None:
    with pytest.raises(InvalidUser):
        tokens().mint("a\nb", "customer")
