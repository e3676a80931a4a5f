"""Visitors of the page, and what axe has to say of what they see."""

from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.async_api import Browser, BrowserContext, Page, ViewportSize

from tests.architecture.places import ROOT

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
Scheme = Literal["light", "dark"]
WIDE: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitors:
    """`mistakes`: what the page threw and nobody caught."""

    browser: Browser
    address: str
    mistakes: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    async def come(
        self, path: str = "/", *, language: str = "en-GB", scheme: Scheme = "light", size: ViewportSize = WIDE
    ) -> Page:
        """Somebody new, at this path."""
        context = await self.browser.new_context(
            base_url=self.address, locale=language, color_scheme=scheme, viewport=size, reduced_motion="reduce"
        )
        self.contexts.append(context)
        page = await context.new_page()
        page.on("pageerror", lambda error: self.mistakes.append(str(error)))
        await page.goto(path)
        return page

    async def leave(self) -> None:
        for context in self.contexts:
            await context.close()
        assert self.mistakes == []


async def flaws(page: Page) -> list[str]:
    """What axe finds, one line for each element."""
    await page.evaluate(AXE.read_text())
    found: dict[str, Any] = await page.evaluate("tags => axe.run(document, { runOnly: tags })", TAGS)
    return [
        f"{rule['id']} at {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


async def overflows(page: Page) -> bool:
    """Has to be scrolled sideways."""
    answer: bool = await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return answer
