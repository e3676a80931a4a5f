"""What operators do beside the page, and what they look for on it."""

import re
from typing import Any

import httpx
from playwright.async_api import Page, expect

from ordersys.config import ROLES
from tests.e2e.stack import Stack
from tests.page.shopping import SAGA_MS
from tests.waiting import eventually

BOXES = ("api", "outbox", "worker", "kafka", "payment", "gateway", "ticket", "order")
RATE = re.compile(r'^ordersys_chaos_rate\{point="(?P<point>[^"]+)"\} (?P<rate>\S+)$', re.MULTILINE)


async def set_chaos(stack: Stack, point: str, rate: float) -> None:
    """Answers when every process strikes at that rate."""
    done = stack.run("chaos", "set", point, str(rate))
    assert done.returncode == 0, done.stdout + done.stderr
    await eventually(lambda: all(_rate(stack, role, point) == rate for role in ROLES), within=10)


def _rate(stack: Stack, role: str, point: str) -> float:
    found = RATE.finditer(httpx.get(stack.services()[role].address + "/metrics", timeout=5).text)
    return next(float(one["rate"]) for one in found if one["point"] == point)


async def sees_the_end(page: Page, within_ms: float = SAGA_MS) -> None:
    await expect(page.get_by_test_id("workflow")).to_have_attribute("data-link", "ended", timeout=within_ms)


async def boxes(page: Page) -> dict[str, str]:
    """Their states, from the list that says the drawing in words."""
    read = "items => items.map((item) => [item.dataset.box, item.dataset.state])"
    found: list[Any] = await page.get_by_test_id("boxes").locator("li").evaluate_all(read)
    return dict(found)


async def ways_back(page: Page) -> set[str]:
    """Those that were taken."""
    lit = page.locator("[data-edge$='-back']:not(.idle)")
    found: list[str] = await lit.evaluate_all("ways => ways.map((way) => way.dataset.edge.replace('-back', ''))")
    return set(found)
