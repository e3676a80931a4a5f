"""What a customer does on the page, by the words on it."""

import re

from playwright.async_api import Locator, Page, expect

ORDER = re.compile(r"/orders/[0-9a-f-]{36}$")
# Chaos is on: a lost message is sent again a little later.
SAGA_MS = 20_000


async def choose_flight(page: Page) -> Locator:
    """Opens the first flight of the search that the page has made by itself; answers its form."""
    await page.get_by_role("button", name=re.compile("^Buy flight")).first.click()
    return page.get_by_role("form", name=re.compile("^Buy flight"))


async def buy(page: Page, method: str = "pm_ok", seats: int = 1) -> None:
    """From the search to the order."""
    form = await choose_flight(page)
    if seats != 1:
        await form.get_by_role("combobox", name="Seats").select_option(str(seats))
    if method != "pm_ok":
        await form.locator(f"input[value={method}]").check()
    await form.get_by_role("button", name=re.compile("^Pay")).click()
    await expect(page).to_have_url(ORDER)


async def reaches(page: Page, status: str) -> None:
    await expect(page.locator(f".order-status [data-status={status}]")).to_be_visible(timeout=SAGA_MS)


async def seats_left(page: Page) -> int:
    """Of the first flight of the search."""
    said = await page.locator(".flight-seats").first.inner_text()
    found = re.search(r"\d+", said)
    assert found, said
    return int(found[0])
