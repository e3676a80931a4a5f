import asyncio
from typing import Any

from dependency_injector import containers, providers
from sqlalchemy.ext.asyncio import AsyncEngine

from ordersys.bootstrap.extension import Extension
from ordersys.bootstrap.orders import coalesced
from ordersys.config import CoalescerSettings, PaymentsSettings
from ordersys.domain.shared.clock import Clock
from ordersys.domain.shared.ids import Ids
from ordersys.entrypoint.timers.payment_dispatcher import PaymentDispatcher, PaymentMeter
from ordersys.infrastructure.gateways.simulator import GatewaySimulator
from ordersys.infrastructure.postgres.gateway_decisions import GatewayDecisions
from ordersys.messaging.unit_of_work import UnitOfWork
from ordersys.usecase.payments.change_payments import ChangePayments
from ordersys.usecase.payments.request_payments import RequestPayments
from ordersys.usecase.payments.settle_payments import ClaimPayments, RecordPayments


class PaymentContainer(containers.DeclarativeContainer):
    unit_of_work: providers.Dependency[UnitOfWork[Any]] = providers.Dependency()
    autocommit: providers.Dependency[UnitOfWork[Any]] = providers.Dependency()
    engine = providers.Dependency(instance_of=AsyncEngine)
    clock: providers.Dependency[Clock] = providers.Dependency()
    ids: providers.Dependency[Ids] = providers.Dependency()
    extension = providers.Dependency(instance_of=Extension)
    meter: providers.Dependency[PaymentMeter] = providers.Dependency()
    name = providers.Dependency(instance_of=str)
    settings = providers.Dependency(instance_of=PaymentsSettings)
    coalescing = providers.Dependency(instance_of=CoalescerSettings)

    wake = providers.Singleton(asyncio.Event)
    decisions = providers.Singleton(GatewayDecisions, engine=engine)
    writing = providers.Singleton(coalesced, decisions.provided.record, coalescing)
    gateway = providers.Singleton(
        GatewaySimulator, decide=writing.provided.submit, silent=extension.provided.gateway_silent
    )

    claim_payments = providers.Factory(
        ClaimPayments, unit_of_work=autocommit, clock=clock, owner=name, lease_seconds=settings.provided.lease_seconds
    )
    record_payments = providers.Factory(
        RecordPayments,
        unit_of_work=autocommit,
        clock=clock,
        ids=ids,
        retry_delays=settings.provided.retry_delays_seconds,
    )
    recording = providers.Singleton(coalesced, record_payments.provided.execute, coalescing)
    dispatcher = providers.Singleton(
        PaymentDispatcher,
        claim=claim_payments,
        gateway=gateway,
        record=recording.provided.submit,
        meter=meter,
        timeout=settings.provided.gateway_timeout_seconds,
        batch_size=settings.provided.batch_size,
        concurrency=settings.provided.concurrency,
        wake=wake.provided.set,
    )
    request_payments = providers.Factory(RequestPayments, unit_of_work=unit_of_work, clock=clock, dispatcher=dispatcher)
    change_payments = providers.Factory(ChangePayments, unit_of_work=unit_of_work, clock=clock, dispatcher=dispatcher)
