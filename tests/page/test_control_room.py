"""The control room: what operators see and do there."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.e2e.stack import Stack
from tests.page.operators import BOXES, boxes, sees_the_end, set_chaos
from tests.page.shopping import SAGA_MS, buy
from tests.page.visitors import PHONE, WIDE, Scheme, Visitors, flaws, overflows

AUDIT_MS = 40_000
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


@pytest_asyncio.fixture(loop_scope="session")
async def stuck(visitors: Visitors, stack: Stack) -> AsyncIterator[Page]:
    """The page of an order with a dead letter, as operators see it. The fault that caused it is off again."""
    page = await visitors.come()
    await set_chaos(stack, "consume.fail", 1)
    try:
        await buy(page)
        waiting = page.get_by_test_id("waiting")
        await expect(waiting).to_contain_text("could not handle OrderCreated", timeout=SAGA_MS)
        await expect(waiting).not_to_contain_text("ordersys dlq replay")
    finally:
        await set_chaos(stack, "consume.fail", 0)
    await page.goto(f"{page.url}?as=operator")
    await expect(waiting).to_contain_text("ordersys dlq replay")
    yield page


async def found_from_its_order(page: Page) -> Locator:
    """The row of its dead letter."""
    await page.get_by_role("link", name="Open this dead letter in the control room").click()
    return page.locator("tr[data-dead-letter].focused")


async def test_a_dead_letter_is_shown_planned_and_replayed(stuck: Page) -> None:
    order = stuck.url
    assert (await boxes(stuck))["payment"] == "stuck"
    row = await found_from_its_order(stuck)

    await row.get_by_role("button", name=re.compile("^Show")).click()
    await expect(stuck.get_by_text("Original record")).to_be_visible()
    await row.get_by_role("button", name=re.compile("^Preview")).click()
    await expect(stuck.get_by_test_id("plan")).to_contain_text("Nothing prevents a replay")
    await row.get_by_role("button", name=re.compile("^Replay")).click()

    await expect(stuck.get_by_role("status").filter(has_text="will handle the message again")).to_be_visible()
    await stuck.goto(order)
    await sees_the_end(stuck)
    assert await boxes(stuck) == dict.fromkeys(BOXES, "done")


async def test_a_dead_letter_is_discarded_when_that_was_asked_twice(stuck: Page) -> None:
    letter = await (await found_from_its_order(stuck)).get_attribute("data-dead-letter")
    row = stuck.locator(f"tr[data-dead-letter='{letter}']")

    await row.get_by_role("button", name=re.compile("^Discard")).click()
    await row.get_by_role("button", name="Keep").click()
    await expect(row).to_be_visible()
    await row.get_by_role("button", name=re.compile("^Discard")).click()
    await row.get_by_role("button", name=re.compile("^Confirm discard")).click()

    await expect(row).to_have_count(0)
    await stuck.get_by_label("Status").select_option(label="discarded")
    await expect(row).to_contain_text("discarded by guest-")


async def test_a_load_is_switched_on_and_seen_in_the_figures(visitors: Visitors) -> None:
    page = await visitors.come("/control")
    await page.get_by_label("Orders per second").fill("20")
    await page.get_by_label("Duration in seconds").fill("3")

    await page.get_by_role("button", name="Start").click()

    load = page.get_by_test_id("load")
    await expect(load).to_contain_text("20 orders per second")
    await expect(page.locator("[data-metric=orders] strong")).to_have_text(re.compile("^[1-9]"), timeout=SAGA_MS)
    await expect(load).to_contain_text("accepted 60, failed 0", timeout=SAGA_MS)


async def test_the_audit_says_that_everything_holds(visitors: Visitors) -> None:
    page = await visitors.come("/control")

    await page.get_by_role("button", name="Run audit").click()

    verdict = page.get_by_test_id("verdict")
    await expect(verdict).to_contain_text("nothing lost, nothing done twice", timeout=AUDIT_MS)


async def test_while_the_api_restarts_the_figures_say_so_and_come_back(visitors: Visitors, stack: Stack) -> None:
    page = await visitors.come("/control")
    await expect(page.locator("[data-metric=pending] strong")).to_have_text(re.compile(r"^\d"))

    lost = page.get_by_text("The API is not responding, so these figures are not current.")
    while not await lost.is_visible():
        # It is back in less than the second that the page waits between two looks.
        if stack.services()["api"].pid is not None:
            stack.kill("api")
        await page.wait_for_timeout(100)

    await expect(lost).to_be_hidden(timeout=SAGA_MS)


async def test_axe_finds_nothing_in_the_control_room(stuck: Page) -> None:
    row = await found_from_its_order(stuck)
    await row.get_by_role("button", name=re.compile("^Show")).click()
    await expect(stuck.get_by_text("Original record")).to_be_visible()

    for scheme in SCHEMES:
        await stuck.emulate_media(color_scheme=scheme)
        for size in (WIDE, PHONE):
            await stuck.set_viewport_size(size)
            assert await flaws(stuck) == []
            assert not await overflows(stuck)
