"""A process of the order-service, for tests that kill it: `python -m tests.integration.order_service ORDER…`.

The events of these orders end the process, as a crash of its interpreter would. Each call is told on standard output.
"""

import asyncio
import os
import signal
import sys

from ordersys.bootstrap.platform import PlatformContainer
from ordersys.config import load
from ordersys.messaging.inbox import Message
from tests.integration.retry_world import failing_container, loop


def fail(message: Message) -> None:
    sys.stdout.write(f"call {message.order_id}\n")
    sys.stdout.flush()
    if str(message.order_id) in sys.argv[1:]:
        os._exit(9)


async def main() -> None:
    settings = load(None, os.environ)
    # Static members of one name are one member to the broker, whatever they subscribe to.
    platform = PlatformContainer(settings=settings, name=f"victim-{settings.kafka.topic_prefix}")
    container = failing_container(platform, fail)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    retries = loop("retries", container.retry_loop().run_once, settings.retries.idle_poll_ms / 1000)
    await asyncio.gather(loop("consumer", container.consumer().run_once).run(stop), retries.run(stop))
    await container.stream().close()


if __name__ == "__main__":
    asyncio.run(main())
