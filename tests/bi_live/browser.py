"""A dashboard of Superset in a browser, as one of its users.

Belongs here: logging in, opening a dashboard, waiting until everything is drawn, and what was seen. Not here: what
should have been seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Response

from tests.bi_live.superset import User

_WAIT = 90_000
# Bars and lines grow for a second, longer on a busy machine.
_TRIES = 20
# High enough for every chart of a dashboard: Superset draws only what is on the screen.
_WIDTH, _HEIGHT = 1500, 3600
_BUSY = ".loading, [data-test='loading-indicator'], .ant-spin-spinning"
_TROUBLE = ".ant-alert-error, [data-test='error-message'], [role='alert'].ant-alert-error, .missing-chart-container"


@dataclass
class Opened:
    """A dashboard on the screen. `answers` are the last rows that each chart got, by Superset's number of it."""

    page: Page
    answers: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def wait_for(self, charts: int) -> None:
        """Wait until that many charts are drawn and nothing is on its way."""
        self.page.wait_for_function(
            "([charts, busy]) => document.querySelectorAll('[data-test-chart-id]').length >= charts"
            " && document.querySelectorAll(busy).length === 0",
            arg=[charts, _BUSY],
            timeout=_WAIT,
        )

    def wait_for_figure(self, chart: int, figure: str) -> None:
        """Wait until a chart shows this number."""
        shown = self.page.locator(f"[data-test-chart-id='{chart}'] .header-line", has_text=re.compile(f"^{figure}$"))
        shown.wait_for(timeout=_WAIT)

    def choose(self, title: str, value: str) -> None:
        """Choose a value of a filter, and apply it."""
        item = self.page.locator("[data-test='filter-control-name']", has_text=title)
        box = item.locator("xpath=ancestor::*[.//input][1]").locator("input").first
        box.click()
        box.fill(value)
        self.page.locator(".ant-select-item-option", has_text=value).first.click()
        self.page.keyboard.press("Escape")
        self.page.click("[data-test='filter-bar__apply-button']")

    def drill(self, title: str) -> None:
        """Ask for the rows behind a chart, by its menu."""
        self.page.locator(f"[data-test-chart-name='{title}'] [aria-label='More Options']").click()
        self.page.get_by_text("Drill to detail", exact=True).first.click()

    def close(self) -> None:
        """Listen no more; the window stays."""
        self.page.remove_listener("response", self.listen)

    @property
    def troubles(self) -> list[str]:
        """Every error that the page shows."""
        return [text.strip() for text in self.page.locator(_TROUBLE).all_inner_texts()]

    def listen(self, response: Response) -> None:
        """Remember what a chart was answered."""
        if "/api/v1/chart/data" not in response.url:
            return
        asked = json.loads(response.request.post_data or "{}").get("form_data", {})
        if not response.ok:
            self.failures.append(f"{response.status} {asked.get('slice_id')} {asked.get('viz_type')}")
        elif asked.get("slice_id") is not None:
            self.answers[int(asked["slice_id"])] = response.json()["result"][0]["data"]

    def picture(self, path: Path) -> None:
        """A picture of the page, down to its last row, once nothing moves any more."""
        bottom = self.page.evaluate(
            "() => Math.max(...[...document.querySelectorAll('.dashboard-component, .chart-slice')]"
            ".map(part => part.getBoundingClientRect().bottom))"
        )
        height = min(int(bottom) + 30, _HEIGHT)
        before, now = b"", self._screen(height)
        for _ in range(_TRIES):
            self.page.wait_for_timeout(1_000)
            before, now = now, self._screen(height)
            if before == now:
                break
        path.write_bytes(now)

    def _screen(self, height: int) -> bytes:
        return self.page.screenshot(clip={"x": 0, "y": 0, "width": _WIDTH, "height": height})


@contextmanager
def logged_in(browser: Browser, url: str, user: User) -> Iterator[Page]:
    """A window in which somebody has logged in by the form that people use."""
    context = browser.new_context(base_url=url, viewport={"width": _WIDTH, "height": _HEIGHT}, reduced_motion="reduce")
    # What the page tells of itself before somebody has logged in is answered with a session of nobody; where that comes
    # after the answer to the password, it takes the place of the session of who logged in.
    context.route("**/superset/log/**", lambda route: route.abort())
    page = context.new_page()
    page.goto("/login/")
    page.fill("#username, input[name=username]", user.name)
    page.fill("#password, input[name=password]", user.password)
    page.click("button[type=submit], input[type=submit]")
    page.wait_for_url(lambda address: "login" not in address, timeout=_WAIT)
    yield page
    context.close()


def opened(page: Page, address: str) -> Opened:
    """The dashboard at an address."""
    seen = Opened(page)
    page.on("response", seen.listen)
    page.goto(f"/superset/dashboard/{address}/")
    return seen
