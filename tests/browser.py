"""A real browser for tests: Debian's chromium, driven by Playwright, which watches what the page does."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on PATH (Debian: apt install chromium)")


class Watched:
    """A page, and what it did that it should not: messages on the console, errors, dialogs, requests."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.trouble: list[str] = []
        page.on("console", lambda message: self.trouble.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        page.on("dialog", self._dialog)
        page.on(
            "request", lambda request: self.trouble.append(f"request: {request.url}") if request.url != url else None
        )
        page.goto(url)

    def _dialog(self, dialog) -> None:
        self.trouble.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextmanager
def started() -> Iterator[Browser]:
    """The browser, until the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@contextmanager
def shown(browser: Browser, folder: Path, page: bytes, **options: object) -> Iterator[Watched]:
    """A report opened from disk; fails at the end if it did what it should not. `options` are those of a context."""
    file = folder / "report.html"
    file.write_bytes(page)
    context = browser.new_context(
        **{"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce", **options}
    )
    context.set_default_timeout(5000)
    watched = Watched(context.new_page(), file.as_uri())
    yield watched
    context.close()
    assert watched.trouble == []
