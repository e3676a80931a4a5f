"""The page in a real Chromium on a stack of its own; both start once, and each visitor has a profile of its own."""

import inspect
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NoReturn

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.architecture.places import ROOT
from tests.e2e.stack import Stack
from tests.page.visitors import Visitors

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 300
# Short pauses: with four of five messages lost, or on the way to a dead letter, an order would take a minute.
HASTE = {
    "ORDERSYS__RELAY__RETRY_DELAYS_MS": "[20, 50, 100]",
    "ORDERSYS__RETRIES__DELAYS_SECONDS": "[0.3, 0.3]",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One loop for all of them: the browser lives in it."""
    for item in items:
        if not item.path.is_relative_to(Path(__file__).parent):
            continue
        item.add_marker(pytest.mark.timeout(START_SECONDS))
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def unavailable(why: str) -> NoReturn:
    """The build server has everything; a visitor's machine need not."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def run_page_script(task: str) -> None:
    command = ["sh", "scripts/page.sh", task]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=START_SECONDS, check=False)
    if done.returncode == 3:
        unavailable(done.stderr.strip())
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The sources, built."""
    run_page_script("build")
    return ROOT / "frontend"


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    if found is None:
        unavailable(f"there is no browser: none of {', '.join(CHROMIUMS)} is on the PATH")
    return found


@pytest.fixture(scope="session")
def stack(built_page: Path, chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """With the page as `ordersys up` starts it, and the demo's 20 % drop."""
    stack = Stack(folder=tmp_path_factory.mktemp("page"), settings=HASTE)
    (stack.folder / "frontend").symlink_to(built_page)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitors(stack: Stack, browser: Browser) -> AsyncIterator[Visitors]:
    visitors = Visitors(browser=browser, address=stack.services()["page"].address)
    yield visitors
    await visitors.leave()
