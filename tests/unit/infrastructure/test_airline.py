from ordersys.infrastructure.gateways.airline import DemoAirline
from ordersys.messaging.chaos import AIRLINE_REJECT
from tests.fakes.chaos import ScriptedFaults
from tests.fakes.making import order_id


def test_the_airline_refuses_whom_the_fault_point_strikes() -> None:
    airline = DemoAirline(faults=ScriptedFaults(point=AIRLINE_REJECT, at={1}))

    answers = [airline.refuses(order_id(number)) for number in (1, 2, 3)]

    assert answers == [None, "refused_by_airline", None]
