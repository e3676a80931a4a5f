"""The two jobs of the stack between its servers and the roles, each a short process of its own: `database` (migrates,
seeds) and `topics`. They stand beside the stack, for the first one also takes back what chaos was set to.
"""

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from ordersys.config import Settings, load


async def _database(settings: Settings, seed_number: int) -> None:
    from ordersys.infrastructure.postgres import migrate, seed
    from ordersys.workshop.chaos import rate_store

    url = settings.postgres.url.reveal()
    await migrate.upgrade(url)
    # A start is told its rates (`up --drop`): what was set while the stack ran before must not undo them in silence.
    await rate_store.forget(url)
    flights = await seed.seed(url, number=seed_number, today=datetime.now(UTC).date())
    print(f"migrated; {flights} flights added", flush=True)  # noqa: T201  # this is its log


async def _topics(settings: Settings, _: int) -> None:
    from ordersys.infrastructure.kafka import topics

    await topics.ensure(settings)


JOBS: dict[str, Callable[[Settings, int], Awaitable[None]]] = {"database": _database, "topics": _topics}


async def _run(job: str, settings: Settings, seed_number: int) -> None:
    await JOBS[job](settings, seed_number)


def main() -> None:
    parser = argparse.ArgumentParser(prog="ordersys.workshop.setup")
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("seed_number", type=int)
    parser.add_argument("--config", type=Path)
    asked = parser.parse_args()
    asyncio.run(_run(asked.job, load(asked.config, os.environ), asked.seed_number))


if __name__ == "__main__":
    main()
