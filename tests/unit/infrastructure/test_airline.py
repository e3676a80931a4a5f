from ordersys.infrastructure.gateways.airline import DemoAirline
from tests.fakes.making import order_id


def test_the_airline_refuses_when_it_is_made_to() -> None:
    refused = iter([False, True, False])
    airline = DemoAirline(refusing=lambda: next(refused))

    answers = [airline.refuses(order_id(number)) for number in (1, 2, 3)]

    assert answers == [None, "refused_by_airline", None]
