"""What a reader does in the IDE: wait for the editors, press play, change tabs, read the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.async_api import expect

if TYPE_CHECKING:
    from playwright.async_api import Page


async def ready(page: Page) -> None:
    """Wait until the editors hold their texts."""
    for editor in (".graphiql-query-editor", ".graphiql-editor-tool"):
        await expect(page.locator(f"{editor} .view-line").first).not_to_be_empty()
    await expect(page.locator(".result-window .view-lines")).to_be_attached()


async def run(page: Page) -> None:
    """Press play as soon as that has an effect."""
    await ready(page)
    await page.locator("button.graphiql-execute-button").click()


async def open_tab(page: Page, place: int, first_line: str) -> None:
    """Change to another tab and wait until GraphiQL has taken it in, which it delays."""
    await ready(page)
    await page.locator(".graphiql-tab-button").nth(place).click()
    shown = page.locator(".graphiql-query-editor .view-lines")
    await expect(shown).to_contain_text(first_line.replace(" ", "\N{NO-BREAK SPACE}"), use_inner_text=True)
    await page.wait_for_function(
        "place => JSON.parse(localStorage.getItem('graphiql:tabState') ?? '{}').activeTabIndex === place",
        arg=place,
    )


async def answered(page: Page, text: str) -> None:
    """Wait until the response shows `text`."""
    shown = page.locator(".result-window .view-lines")
    await expect(shown).to_contain_text(text.replace(" ", "\N{NO-BREAK SPACE}"), use_inner_text=True)
