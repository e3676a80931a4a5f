from typing import Any

from dependency_injector import containers, providers

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids
from ordersys.infrastructure.gateways.airline import DemoAirline
from ordersys.messaging.chaos import Faults
from ordersys.messaging.work import Work
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTickets


class TicketContainer(containers.DeclarativeContainer):
    work: providers.Dependency[Work[Any]] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    faults: providers.Dependency[Faults] = providers.Dependency()
    ids: providers.Dependency[Ids] = providers.Dependency()

    airline = providers.Singleton(DemoAirline, faults=faults)
    issue_tickets = providers.Factory(IssueTickets, work=work, clock=clock, ids=ids, airline=airline)
    void_tickets = providers.Factory(VoidTickets, work=work, clock=clock, ids=ids)
