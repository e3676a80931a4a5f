from typing import Any

from dependency_injector import containers, providers

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids
from ordersys.messaging.work import Work
from ordersys.usecase.tickets.issue_tickets import IssueTickets


class TicketContainer(containers.DeclarativeContainer):
    work: providers.Dependency[Work[Any]] = providers.Dependency()
    clock: providers.Dependency[Clock] = providers.Dependency()
    ids: providers.Dependency[Ids] = providers.Dependency()

    issue_tickets = providers.Factory(IssueTickets, work=work, clock=clock, ids=ids)
