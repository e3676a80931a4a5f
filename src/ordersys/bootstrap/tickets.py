from typing import Any

from dependency_injector import containers, providers

from ordersys.bootstrap.extension import Extension
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids
from ordersys.infrastructure.gateways.airline import DemoAirline
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.tickets.issue_tickets import IssueTickets
from ordersys.usecase.tickets.void_tickets import VoidTickets


class TicketContainer(containers.DeclarativeContainer):
    unit_of_work: providers.Dependency[UnitOfWork[Any]] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    extension = providers.Dependency(instance_of=Extension)
    ids: providers.Dependency[Ids] = providers.Dependency()

    airline = providers.Singleton(DemoAirline, refusing=extension.provided.airline_refuses)
    issue_tickets = providers.Factory(IssueTickets, unit_of_work=unit_of_work, clock=clock, ids=ids, airline=airline)
    void_tickets = providers.Factory(VoidTickets, unit_of_work=unit_of_work, clock=clock, ids=ids)
