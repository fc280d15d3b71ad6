"""The page of a change in a real browser (Chromium, headless): on a desk and on a phone, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.failoverctl.conftest import Run
from tests.failoverctl.region import Region
from tests.failoverctl.report import made_up
from tests.failoverctl.web.test_browser import CHROMIUM, PHONE, SCREEN


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # The sandbox needs rights that root in a container may lack; the page that is opened here is our own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [SCREEN, PHONE], ids=["desk", "phone"])
def test_the_page_fits_and_the_browser_has_nothing_to_complain_of(
    browser: Browser, ctl: Run, region: Region, tmp_path: Path, size: ViewportSize, scheme: Any
) -> None:
    made_up.there(region)
    file = tmp_path / "page.html"
    assert ctl("report", "--output", str(file)).code == 0
    complaints: list[str] = []
    context = browser.new_context(viewport=size, color_scheme=scheme, java_script_enabled=True)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: None if request.url == file.as_uri() else complaints.append(request.url))
    page.goto(file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    drawing = ".narrow svg" if size is PHONE else ".wide svg"
    assert page.locator(drawing).is_visible()
    page.locator("details.steps summary").click()
    assert page.locator("details.steps table").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    dark = page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(21, 23, 26)"
    assert dark is (scheme == "dark")
    context.close()
    assert complaints == []
