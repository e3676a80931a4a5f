"""The product's own api role with a part of it exchanged: same routes, auth, metrics, logs, server, samplers.

So a peer differs from the product in what it does for an order, and in nothing else.
"""

import os
from collections.abc import Callable

from ordersys.bootstrap import roles
from ordersys.bootstrap.orders import OrderContainer
from ordersys.bootstrap.platform import PlatformContainer
from ordersys.cli.frame import complete
from ordersys.config import load
from ordersys.workshop.extension import extend

Exchange = Callable[[OrderContainer, PlatformContainer], None]


def serve(exchange: Exchange) -> None:
    """`exchange` overrides providers of the container. Runs until SIGTERM."""
    whole = roles.order_container

    def exchanged(platform: PlatformContainer) -> OrderContainer:
        container = whole(platform)
        exchange(container, platform)
        return container

    roles.order_container = exchanged
    complete(roles.run_role("api", load(None, os.environ), extend))
