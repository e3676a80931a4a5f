"""The product's tables as ORM classes, as an ordinary application would map them."""

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import DeclarativeBase, Mapped, foreign, relationship

from ordersys.infrastructure.postgres import tables


class Base(DeclarativeBase):
    metadata = tables.metadata

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Columns come from the tables, which the type checker cannot look into."""


class Flight(Base):
    __table__ = tables.flights


class OrderItem(Base):
    __table__ = tables.order_items


class StatusChange(Base):
    __table__ = tables.order_status_history


class Payment(Base):
    __table__ = tables.payments


class Ticket(Base):
    __table__ = tables.tickets


class OutboxEvent(Base):
    __table__ = tables.outbox


class ArchivedEvent(Base):
    __table__ = tables.outbox_archive
    __mapper_args__ = {"primary_key": [tables.outbox_archive.c.id]}  # noqa: RUF012 - SQLAlchemy has it as an instance variable


class InboxEvent(Base):
    __table__ = tables.inbox_events


class RetriedEvent(Base):
    __table__ = tables.inbox_retries


class DeadLetter(Base):
    __table__ = tables.dead_letters


class IdempotencyKey(Base):
    __table__ = tables.idempotency_keys


class Order(Base):
    __table__ = tables.orders

    items: Mapped[list[OrderItem]] = relationship(order_by=tables.order_items.c.position)
    history: Mapped[list[StatusChange]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.order_status_history.c.order_id),
        order_by=tables.order_status_history.c.id,
    )
    payment: Mapped[Payment | None] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.payments.c.order_id), uselist=False
    )
    tickets: Mapped[list[Ticket]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.tickets.c.order_id),
        order_by=tables.tickets.c.ordinal,
    )
    pending: Mapped[list[OutboxEvent]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.outbox.c.aggregateid), order_by=tables.outbox.c.id
    )
    archived: Mapped[list[ArchivedEvent]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.outbox_archive.c.aggregateid),
        order_by=tables.outbox_archive.c.id,
    )
    inbox: Mapped[list[InboxEvent]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.inbox_events.c.order_id),
        order_by=tables.inbox_events.c.processed_at,
    )
    retries: Mapped[list[RetriedEvent]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.inbox_retries.c.order_id)
    )
    dead_letters: Mapped[list[DeadLetter]] = relationship(
        primaryjoin=lambda: tables.orders.c.id == foreign(tables.dead_letters.c.order_id)
    )
