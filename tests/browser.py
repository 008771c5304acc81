"""A real browser, for the tests that look at letters and pages.

python -m tests.browser fails where there is none; make test then installs one.
"""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from axe_playwright_python.base import (  # type: ignore[import-untyped]  # bears none
    AXE_SCRIPT,
    AxeResults,
)
from playwright.async_api import Browser, Error, Page, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the page under test may be asked of any network.
_ARGS = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)


def chromium() -> str | None:
    """Name the browser of this machine; None where only Playwright's own can be."""
    found = map(shutil.which, (os.environ.get("CHROMIUM", ""), *_NAMES))
    return next(filter(None, found), None)


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    """Start a browser; raises playwright's Error where there is none."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium(), args=list(_ARGS)
        )
        async with browser:
            yield browser


async def go_back(page: Page) -> None:
    """Go back once nothing comes any more: Chromium refuses in the middle of a page."""
    await page.wait_for_load_state("networkidle")
    await page.go_back()


async def complaints(page: Page) -> str:
    """Ask axe about a page as it stands; an empty answer means nothing was found."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE_SCRIPT)
    found = await page.evaluate('axe.run({"resultTypes": ["violations"]})')
    results = AxeResults(found)
    return results.generate_report() if results.violations_count else ""


async def _start() -> None:
    async with a_browser() as browser:
        sys.stdout.write(f"Chromium {browser.version}\n")


if __name__ == "__main__":
    try:
        asyncio.run(_start())
    except Error as problem:
        sys.exit(problem.message.partition("\n")[0])
