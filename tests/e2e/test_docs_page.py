"""The interactive page of the api works in a real browser that reaches nothing but the site."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.fakes.api_service import ApiService
from tests.requirements import require
from watchpost.stream.embedded import EmbeddedKafka

pytestmark = [pytest.mark.e2e, pytest.mark.kafka]


def test_interactive_page_calls_the_site_and_nobody_else(embedded_broker: EmbeddedKafka, tmp_path: Path) -> None:
    require("chromium", "apt-get install -y chromium")
    with ApiService(embedded_broker.bootstrap, tmp_path) as api, sync_playwright() as playwright:
        api.apply_topics()
        api.wait_until_ready()
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 1400})
        asked: list[str] = []
        complaints: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))

        page.goto(f"{api.url}/docs")
        page.get_by_text("/analyze", exact=True).first.wait_for()
        page.locator("[id*=list_cameras] .opblock-summary-control").click()
        page.get_by_role("button", name="Execute").click()
        page.get_by_text('"max_streams": 100').first.wait_for()
        page.screenshot(path=tmp_path / "docs.png")
        browser.close()

    assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {f"127.0.0.1:{api.port}"}
    assert complaints == []
