"""Buying, watching and giving back, as a visitor does."""

import re
from uuid import uuid4

from playwright.async_api import Route, expect

from tests.e2e.stack import Stack
from tests.page.shopping import ORDER, SAGA_MS, buy, choose_flight, reaches, seats_left
from tests.page.visitors import Visitors


async def test_a_first_time_visitor_buys_a_ticket_and_watches_it_complete(visitors: Visitors) -> None:
    page = await visitors.come()
    await page.get_by_role("button", name=re.compile("^Buy flight")).first.click()
    await page.get_by_role("button", name=re.compile("^Pay")).click()

    await expect(page).to_have_url(ORDER)
    await reaches(page, "COMPLETED")
    await expect(page.locator(".ticket")).to_have_count(1)
    await expect(page.get_by_test_id("workflow")).to_have_attribute("data-link", "ended", timeout=SAGA_MS)


async def test_as_many_tickets_as_seats_and_so_many_seats_less(visitors: Visitors) -> None:
    page = await visitors.come()
    before = await seats_left(page)
    await buy(page, seats=3)

    await reaches(page, "COMPLETED")
    await expect(page.locator(".ticket")).to_have_count(3)
    await page.get_by_role("link", name="Flights", exact=True).click()
    assert await seats_left(page) == before - 3


async def test_a_declined_payment_cancels_the_order_and_says_why(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page, "pm_declined")

    await reaches(page, "CANCELLED")
    await expect(page.get_by_text("the bank declined the payment")).to_be_visible()
    await expect(page.locator(".ticket")).to_have_count(0)


async def test_a_completed_order_is_given_back(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page)
    await reaches(page, "COMPLETED")

    await page.get_by_role("button", name="Refund…").click()
    await page.get_by_role("button", name="Refund", exact=True).click()

    await reaches(page, "REFUNDED")
    await expect(page.locator(".ticket.void")).to_have_count(1)


async def test_an_order_that_cannot_be_paid_is_cancelled_by_hand(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page, "pm_down")
    await reaches(page, "CREATED")

    await page.get_by_role("button", name="Cancel order…").click()
    await page.get_by_label("Reason").fill("the bank sleeps")
    await page.get_by_role("button", name="Cancel order", exact=True).click()

    await reaches(page, "CANCELLED")
    await expect(page.locator(".order-status").get_by_text("the bank sleeps")).to_be_visible()


async def test_a_purchase_that_a_reload_cut_off_is_bought_once(visitors: Visitors) -> None:
    page = await visitors.come()

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route("**/api/orders", lose_the_answer)
    form = await choose_flight(page)
    await form.get_by_role("button", name=re.compile("^Pay")).click()
    await expect(page.get_by_text("The API is not responding. Retrying with the same Idempotency-Key")).to_be_visible()
    await page.reload()
    await page.unroute_all(behavior="ignoreErrors")
    await page.get_by_role("button", name="Complete purchase").click()

    await expect(page).to_have_url(ORDER)
    await page.get_by_role("link", name="My orders").click()
    await expect(page.locator(".order-row:not(.skeleton)")).to_have_count(1)


async def test_a_visitor_sees_the_own_orders_and_a_new_one_none(visitors: Visitors) -> None:
    page = await visitors.come()
    await buy(page)
    await page.get_by_role("link", name="My orders").click()
    await expect(page.locator(".order-row:not(.skeleton)")).to_have_count(1)

    await page.get_by_role("button", name="Continue as a new visitor").click()

    await expect(page.get_by_text("You have no orders yet.")).to_be_visible()


async def test_an_order_of_somebody_else_is_not_there(visitors: Visitors) -> None:
    page = await visitors.come(f"/orders/{uuid4()}")

    await expect(page.get_by_text("Order not found.")).to_be_visible()


async def test_the_search_goes_to_other_cities_and_days(visitors: Visitors) -> None:
    page = await visitors.come()
    await expect(page).to_have_url(re.compile("date="))

    await page.get_by_role("button", name="Swap cities").click()
    await expect(page.get_by_role("heading", level=2)).to_contain_text("Saint Petersburg → Moscow")
    await page.get_by_role("combobox", name="To", exact=True).select_option("VVO")
    await page.get_by_role("button", name="Next day").click()

    await expect(page).to_have_url(re.compile("from=LED&to=VVO"))
    await expect(page.get_by_role("heading", level=2)).to_contain_text("Saint Petersburg → Vladivostok")


async def test_the_api_role_serves_the_page_too(visitors: Visitors, stack: Stack) -> None:
    page = await visitors.come(stack.services()["api"].address)

    await expect(page.get_by_role("button", name=re.compile("^Buy flight")).first).to_be_visible()
    await page.goto(f"{stack.services()['api'].address}/orders")
    await expect(page.get_by_text("You have no orders yet.")).to_be_visible()
