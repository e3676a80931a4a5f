"""The saga of an order, watched as it happens and step by step."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.stack import Stack
from tests.page.operators import BOXES, boxes, sees_the_end, set_chaos, ways_back
from tests.page.shopping import SAGA_MS, buy
from tests.page.visitors import PHONE, Scheme, Visitors, flaws, overflows

RESTART_MS = 60_000


async def test_an_order_is_watched_until_every_box_is_done(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page, seats=2)

    await sees_the_end(page)

    assert await boxes(page) == dict.fromkeys(BOXES, "done")
    assert await ways_back(page) == set()
    await expect(page.get_by_test_id("explanation")).to_contain_text("Done: the tickets are yours")
    await expect(page.get_by_test_id("timeline")).to_contain_text("order → COMPLETED")


async def test_every_step_can_be_looked_at_again(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page)
    await sees_the_end(page)
    steps, told = page.get_by_test_id("timeline").get_by_role("button"), page.get_by_test_id("explanation")

    await steps.first.click()

    await expect(steps.first).to_have_attribute("aria-current", "step")
    await expect(told).to_contain_text("four things in one database commit")
    waiting = {"api": "done", "outbox": "active", "worker": "active"}
    assert await boxes(page) == {**dict.fromkeys(BOXES, "idle"), **waiting}
    await page.get_by_role("button", name="Next step").click()
    await expect(told).to_contain_text("The worker published OrderCreated to Kafka")
    await page.get_by_role("button", name="Now", exact=True).click()
    await expect(told).to_contain_text("Done")


async def test_refused_tickets_light_the_way_back(visitors: Visitors, stack: Stack) -> None:
    page = await visitors.come()
    await set_chaos(stack, "airline.reject", 1)
    try:
        await buy(page)
        await sees_the_end(page)
    finally:
        await set_chaos(stack, "airline.reject", 0)

    ways = {"ticket-outbox", "kafka-payment", "payment-gateway", "payment-outbox", "kafka-order"}
    assert await ways_back(page) == ways
    await expect(page.get_by_test_id("explanation")).to_contain_text("the airline rejected the tickets")


async def test_a_refund_is_watched_on_the_page_that_asked_for_it(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page)
    await sees_the_end(page)

    await page.get_by_role("button", name="Refund…").click()
    await page.get_by_role("button", name="Refund", exact=True).click()

    await expect(page.get_by_test_id("explanation")).to_contain_text("Refunded", timeout=SAGA_MS)
    await sees_the_end(page)
    assert "ticket-outbox" in await ways_back(page)


async def test_with_four_of_five_messages_lost_it_completes_all_the_same(visitors: Visitors, stack: Stack) -> None:
    page = await visitors.come("/control")
    slider = page.get_by_label("publish.drop")
    await expect(slider).to_have_value("20")
    for _ in range(12):
        await slider.press("ArrowRight")
    await expect(page.get_by_role("status").filter(has_text="publish.drop is set to 80%")).to_be_visible()
    try:
        await set_chaos(stack, "publish.drop", 0.8)
        await page.goto("/")
        await buy(page)
        await sees_the_end(page, RESTART_MS)
    finally:
        await set_chaos(stack, "publish.drop", 0.2)

    assert await boxes(page) == dict.fromkeys(BOXES, "done")
    await expect(page.get_by_test_id("timeline")).to_contain_text(re.compile(r"\d+ attempts"))


async def test_while_the_api_restarts_the_saga_goes_on_and_the_page_comes_back(
    visitors: Visitors, stack: Stack
) -> None:
    page = await visitors.come()
    await buy(page, "pm_slow")
    view = page.get_by_test_id("workflow")
    await expect(view).to_have_attribute("data-link", "live")

    stack.kill("api")

    await expect(view).to_have_attribute("data-link", re.compile("polling|lost"), timeout=SAGA_MS)
    await sees_the_end(page, RESTART_MS)
    assert await boxes(page) == dict.fromkeys(BOXES, "done")


async def test_what_it_waits_for_is_told_and_counted_down(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page, "pm_down")

    waits = page.get_by_test_id("waiting")

    await expect(waits).to_contain_text("Calling the gateway again to hold the money", timeout=SAGA_MS)
    await expect(waits).to_contain_text(re.compile(r"within [\d.]+ secs?|any moment"))


async def test_it_is_explained_in_russian(visitors: Visitors) -> None:
    page = await visitors.come("/control", language="ru-RU")
    await expect(page.get_by_role("heading", name="Имитация сбоев")).to_be_visible()
    await page.goto("/")
    await page.get_by_role("button", name=re.compile("^Купить билет на рейс")).first.click()
    await page.get_by_role("button", name=re.compile("^Оплатить")).click()

    await sees_the_end(page)

    await expect(page.get_by_test_id("explanation")).to_contain_text("Готово: билеты ваши")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_workflow(visitors: Visitors, scheme: Scheme) -> None:
    page = await visitors.come(scheme=scheme)
    await buy(page, "pm_declined")
    await sees_the_end(page)
    await page.get_by_test_id("timeline").get_by_role("button").nth(1).click()
    await page.get_by_text("What are these boxes?").click()

    assert await flaws(page) == []
    await page.set_viewport_size(PHONE)
    assert await flaws(page) == []
    assert not await overflows(page)
