"""Voids tickets of cancelled or refunded orders. Tickets that are not issued yet will never be issued."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids, OrderId
from ordersys.domain.tickets.events import TicketVoided
from ordersys.messaging.envelope import Cause
from ordersys.messaging.outbox import outgoing
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.tickets.ports import TicketTransaction, VoidedTicket


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidTicket:
    order_id: OrderId
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class VoidTickets:
    unit_of_work: UnitOfWork[TicketTransaction]
    clock: Clock
    ids: Ids

    async def execute(self, commands: Sequence[VoidTicket]) -> None:
        async with self.unit_of_work.begin() as transaction:
            now = self.clock.now()
            causes = {command.order_id: command.cause for command in commands}
            issued = await transaction.ticketings.void(causes, at=now)
            if not issued:
                return
            voided = await transaction.tickets.void(issued)
            await _free_seats(voided, transaction)
            events = [_voided(order_id, voided) for order_id in causes if order_id in issued]
            await transaction.outbox.append(
                [
                    outgoing(event, order_id=event.order_id, at=now, cause=causes[event.order_id], ids=self.ids)
                    for event in events
                ]
            )


async def _free_seats(voided: Sequence[VoidedTicket], transaction: TicketTransaction) -> None:
    maps = await transaction.seat_maps.lock({ticket.flight_id for ticket in voided})
    for ticket in voided:
        maps[ticket.flight_id].release(ticket.seat_number)
    await transaction.seat_maps.save(maps.values())


def _voided(order_id: OrderId, voided: Sequence[VoidedTicket]) -> TicketVoided:
    numbers = tuple(ticket.number for ticket in voided if ticket.order_id == order_id)
    return TicketVoided(order_id=order_id, numbers=numbers)
