"""Pictures of every view, in both themes and languages, wide and on a phone: to look at, and for docs/page.md.

python -m tests.page.pictures http://localhost:5173 FOLDER
"""

import asyncio
import base64
import re
import shutil
import sys
from itertools import product
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.page.shopping import SAGA_MS
from tests.page.visitors import PHONE, WIDE, Scheme, Visitors

Language = Literal["en", "ru"]
QUALITY = 60
BUY = re.compile("^(Buy flight|Купить билет)")
PAY = re.compile("^(Pay|Оплатить)")
# The charts of the control room need a few answers before they are lines.
CHARTED_MS = 12_000


async def take(page: Page, path: Path) -> None:
    """WebP, which Playwright itself does not write."""
    browser = await page.context.new_cdp_session(page)
    taken = await browser.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    path.write_bytes(base64.b64decode(taken["data"]))
    print(f"{path} {path.stat().st_size // 1024} kB")  # noqa: T201


async def buy(page: Page, method: str) -> None:
    await page.goto("/")
    await page.get_by_role("button", name=BUY).first.click()
    await page.locator(f"input[value={method}]").check()
    await page.get_by_role("button", name=PAY).click()
    await expect(page.get_by_test_id("workflow")).to_have_attribute("data-link", "ended", timeout=SAGA_MS)


async def walk(page: Page, folder: Path, name: str) -> None:
    """Through all the views, as one visitor."""
    await page.goto("/")
    await page.get_by_role("button", name=BUY).first.click()
    await take(page, folder / f"flights-{name}.webp")
    await buy(page, "pm_declined")
    await take(page, folder / f"cancelled-{name}.webp")
    await buy(page, "pm_ok")
    await take(page, folder / f"order-{name}.webp")
    await page.get_by_test_id("boxes").first.evaluate("it => it.scrollIntoView({ block: 'end' })")
    await take(page, folder / f"order-graph-{name}.webp")
    await page.goto("/orders")
    await expect(page.locator(".order-name", has_text="→")).to_have_count(2)
    await take(page, folder / f"orders-{name}.webp")
    await page.goto("/control")
    await page.wait_for_timeout(CHARTED_MS)
    await take(page, folder / f"control-{name}.webp")


async def tour(browser: Browser, address: str, folder: Path) -> None:
    languages: tuple[Language, ...] = ("en", "ru")
    schemes: tuple[Scheme, ...] = ("light", "dark")
    for language, scheme, (shape, size) in product(languages, schemes, (("wide", WIDE), ("phone", PHONE))):
        visitors = Visitors(browser=browser, address=address)
        page = await visitors.come(language=language, scheme=scheme, size=size)
        await walk(page, folder, f"{language}-{scheme}-{shape}")
        await visitors.leave()


async def main(address: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"))
        await tour(browser, address, folder)
        await browser.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
