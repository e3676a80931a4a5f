"""Dead letters over HTTP; for operators."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from ordersys.entrypoint.http.auth import operators_only
from ordersys.entrypoint.http.refusals import refusals
from ordersys.entrypoint.http.tokens import Principal
from ordersys.usecase.dead_letters.ports import DeadLetterContent, DeadLetterPage, DeadLetterStatus, Forecast
from ordersys.usecase.dead_letters.read_dead_letters import GetDeadLetter, ListDeadLetters, PlanReplay
from ordersys.usecase.dead_letters.resolve_dead_letters import DiscardDeadLetters, ReplayDeadLetters, Resolution, demand

Operator = Request[Principal, Any, State]
OPERATORS = ("unauthorized", "forbidden")


@get("/", summary="Dead letters, the newest first", responses=refusals(*OPERATORS, "invalid_request", "bad_cursor"))
async def list_dead_letters(
    list_dead_letters: NamedDependency[SkipValidation[ListDeadLetters]],
    status: Annotated[DeadLetterStatus | None, QueryParameter(description="all, if left out")] = None,
    consumer: Annotated[str | None, QueryParameter(description="the service that could not handle it")] = None,
    cursor: Annotated[str | None, QueryParameter(description="the `next_cursor` of the page before")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
) -> DeadLetterPage:
    return await list_dead_letters.execute(status=status, consumer=consumer, cursor=cursor, limit=limit)


@get(
    "/{dead_letter_id:uuid}",
    summary="One dead letter with its record",
    responses=refusals(*OPERATORS, "letter_not_found"),
)
async def get_dead_letter(
    dead_letter_id: FromPath[UUID], get_dead_letter: NamedDependency[SkipValidation[GetDeadLetter]]
) -> DeadLetterContent:
    return await get_dead_letter.execute(dead_letter_id)


@get(
    "/{dead_letter_id:uuid}/plan",
    summary="What a replay of a dead letter would meet",
    responses=refusals(*OPERATORS, "letter_not_found"),
)
async def plan_dead_letter(
    dead_letter_id: FromPath[UUID], plan_replay: NamedDependency[SkipValidation[PlanReplay]]
) -> Forecast:
    """Changes nothing."""
    (forecast,) = await plan_replay.execute([dead_letter_id])
    return forecast


@post(
    "/{dead_letter_id:uuid}/replay",
    status_code=202,
    summary="Give a dead letter back to its consumer",
    responses=refusals(*OPERATORS, "letter_not_found", "letter_unreadable"),
)
async def replay_dead_letter(
    request: Operator,
    dead_letter_id: FromPath[UUID],
    replay_dead_letters: NamedDependency[SkipValidation[ReplayDeadLetters]],
    get_dead_letter: NamedDependency[SkipValidation[GetDeadLetter]],
) -> DeadLetterContent:
    """Only for the consumer that failed, and once: a letter that was replayed is not replayed again."""
    _demand(await replay_dead_letters.execute([dead_letter_id], by=request.user.customer))
    return await get_dead_letter.execute(dead_letter_id)


@post(
    "/{dead_letter_id:uuid}/discard",
    status_code=200,
    summary="Give a dead letter up",
    responses=refusals(*OPERATORS, "letter_not_found", "letter_replayed"),
)
async def discard_dead_letter(
    request: Operator,
    dead_letter_id: FromPath[UUID],
    discard_dead_letters: NamedDependency[SkipValidation[DiscardDeadLetters]],
    get_dead_letter: NamedDependency[SkipValidation[GetDeadLetter]],
) -> DeadLetterContent:
    _demand(await discard_dead_letters.execute([dead_letter_id], by=request.user.customer))
    return await get_dead_letter.execute(dead_letter_id)


OPS_DEAD_LETTER_ROUTES = Router(
    "/ops/dlq",
    route_handlers=[list_dead_letters, get_dead_letter, plan_dead_letter, replay_dead_letter, discard_dead_letter],
    guards=[operators_only],
    tags=["operations"],
    security=[{"bearer": []}],
)


def _demand(verdicts: Mapping[UUID, Resolution]) -> None:
    for verdict in verdicts.values():
        demand(verdict)
