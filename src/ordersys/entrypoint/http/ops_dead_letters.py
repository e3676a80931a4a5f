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
from ordersys.usecase.letters.ports import Forecast, LetterContent, LetterPage, LetterStatus
from ordersys.usecase.letters.read_letters import GetLetter, ListLetters, PlanReplay
from ordersys.usecase.letters.settle_letters import DiscardLetters, ReplayLetters, Verdict, demand

Operator = Request[Principal, Any, State]
OPERATORS = ("unauthorized", "forbidden")


@get("/", summary="Dead letters, the newest first", responses=refusals(*OPERATORS, "invalid_request", "bad_cursor"))
async def list_dead_letters(
    list_letters: NamedDependency[SkipValidation[ListLetters]],
    status: Annotated[LetterStatus | None, QueryParameter(description="all, if left out")] = None,
    consumer: Annotated[str | None, QueryParameter(description="the service that could not handle it")] = None,
    cursor: Annotated[str | None, QueryParameter(description="the `next_cursor` of the page before")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
) -> LetterPage:
    return await list_letters.execute(status=status, consumer=consumer, cursor=cursor, limit=limit)


@get("/{letter_id:uuid}", summary="One dead letter with its record", responses=refusals(*OPERATORS, "letter_not_found"))
async def get_dead_letter(
    letter_id: FromPath[UUID], get_letter: NamedDependency[SkipValidation[GetLetter]]
) -> LetterContent:
    return await get_letter.execute(letter_id)


@get(
    "/{letter_id:uuid}/plan",
    summary="What a replay of a dead letter would meet",
    responses=refusals(*OPERATORS, "letter_not_found"),
)
async def plan_dead_letter(
    letter_id: FromPath[UUID], plan_replay: NamedDependency[SkipValidation[PlanReplay]]
) -> Forecast:
    """Changes nothing."""
    (forecast,) = await plan_replay.execute([letter_id])
    return forecast


@post(
    "/{letter_id:uuid}/replay",
    status_code=202,
    summary="Give a dead letter back to its consumer",
    responses=refusals(*OPERATORS, "letter_not_found", "letter_unreadable"),
)
async def replay_dead_letter(
    request: Operator,
    letter_id: FromPath[UUID],
    replay_letters: NamedDependency[SkipValidation[ReplayLetters]],
    get_letter: NamedDependency[SkipValidation[GetLetter]],
) -> LetterContent:
    """Only for the consumer that failed, and once: a letter that was replayed is not replayed again."""
    _demand(await replay_letters.execute([letter_id], by=request.user.customer))
    return await get_letter.execute(letter_id)


@post(
    "/{letter_id:uuid}/discard",
    status_code=200,
    summary="Give a dead letter up",
    responses=refusals(*OPERATORS, "letter_not_found", "letter_replayed"),
)
async def discard_dead_letter(
    request: Operator,
    letter_id: FromPath[UUID],
    discard_letters: NamedDependency[SkipValidation[DiscardLetters]],
    get_letter: NamedDependency[SkipValidation[GetLetter]],
) -> LetterContent:
    _demand(await discard_letters.execute([letter_id], by=request.user.customer))
    return await get_letter.execute(letter_id)


OPS_DEAD_LETTER_ROUTES = Router(
    "/ops/dlq",
    route_handlers=[list_dead_letters, get_dead_letter, plan_dead_letter, replay_dead_letter, discard_dead_letter],
    guards=[operators_only],
    tags=["operations"],
    security=[{"bearer": []}],
)


def _demand(verdicts: Mapping[UUID, Verdict]) -> None:
    for verdict in verdicts.values():
        demand(verdict)
