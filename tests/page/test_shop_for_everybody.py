"""Both languages, both themes, keyboard and screen reader, a phone."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.page.shopping import buy, choose_flight, reaches
from tests.page.visitors import PHONE, WIDE, Scheme, Visitors, flaws, overflows


async def test_the_browsers_language_comes_first_and_a_chosen_one_stays(visitors: Visitors) -> None:
    page = await visitors.come(language="ru-RU")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Куда летим?")
    await expect(page.get_by_text(re.compile(r"\d\s₽")).first).to_be_visible()

    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Where to?")
    await page.reload()

    await expect(page.get_by_role("heading", level=1)).to_have_text("Where to?")
    assert await page.evaluate("document.documentElement.lang") == "en"


async def test_an_order_is_told_in_russian(visitors: Visitors) -> None:
    page = await visitors.come(language="ru-RU")
    await page.get_by_role("button", name=re.compile("^Купить билет на рейс")).first.click()
    await page.get_by_role("button", name=re.compile("^Оплатить")).click()

    await reaches(page, "COMPLETED")
    await expect(page.locator(".order-status")).to_contain_text("Выполнен")


async def test_a_ticket_is_bought_with_the_keyboard_alone(visitors: Visitors) -> None:
    page = await visitors.come()
    await page.get_by_role("button", name=re.compile("^Buy flight")).first.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("form", name=re.compile("^Buy flight"))).to_be_visible()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("combobox", name="Seats")).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await reaches(page, "COMPLETED")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
async def test_axe_finds_nothing_in_the_shop(visitors: Visitors, scheme: Scheme, size: dict[str, int]) -> None:
    page = await visitors.come("/orders", scheme=scheme, size={"width": size["width"], "height": size["height"]})
    await expect(page.get_by_text("You have no orders yet.")).to_be_visible()
    await fits(page)

    await page.get_by_role("link", name="Flights", exact=True).click()
    await choose_flight(page)
    await fits(page)

    await page.get_by_role("button", name=re.compile("^Pay")).click()
    await reaches(page, "COMPLETED")
    await page.get_by_role("button", name="Refund…").click()
    await fits(page)

    await page.get_by_role("link", name="My orders").click()
    await expect(page.locator(".order-row:not(.skeleton)")).to_have_count(1)
    await fits(page)


async def fits(page: Page) -> None:
    assert await flaws(page) == []
    assert not await overflows(page)


async def test_the_theme_is_remembered(visitors: Visitors) -> None:
    page = await visitors.come(scheme="light")
    await page.get_by_role("button", name="Dark theme").click()
    await page.reload()

    assert await page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


async def test_nothing_jumps_when_the_flights_arrive(visitors: Visitors) -> None:
    page = await visitors.come("/orders")
    await page.evaluate(WATCH_SHIFTS)
    await page.get_by_role("link", name="Flights", exact=True).click()
    await buy(page)
    await reaches(page, "COMPLETED")

    assert await page.evaluate("window.shifted") < 0.1


# Layout shifts that no input explains, as Lighthouse adds them up; under 0.1 is good.
WATCH_SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
}"""
