"""A page as a reader's program takes it in."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx2

from api.language import Language

VOID = {"meta", "link", "input", "br", "hr", "img"}


@dataclass
class Read(HTMLParser):
    """A page as a program reads it; fails on a tag that is not closed in order."""

    open_tags: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    attributes: dict[str, list[dict[str, str | None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.setdefault(tag, []).append(dict(attrs))
        if tag not in VOID:
            self.open_tags.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open_tags):
            self.texts[tag][-1] += data


def read(answer: httpx2.Response, language: Language) -> Read:
    """Read a page that is well formed and fit for every reader, or fail."""
    page = Read()
    page.feed(answer.text)
    page.close()
    assert page.open_tags == []
    assert len(page.texts["h1"]) == len(page.texts["main"]) == 1
    assert page.attributes["html"][0]["lang"] == f"{language}-CA"
    named = {label["for"] for label in page.attributes.get("label", [])}
    fields = [
        field
        for tag in ("input", "textarea", "select")
        for field in page.attributes.get(tag, [])
        if field.get("type") != "hidden"
    ]
    assert {field["id"] for field in fields} == named
    ids = [a["id"] for tags in page.attributes.values() for a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    for tag in fields:
        assert set((tag.get("aria-describedby") or "").split()) <= set(ids)
    assert "style" not in page.attributes
    scripts = [str(script["src"]) for script in page.attributes["script"]]
    assert len(scripts) == 1
    assert scripts[0].startswith("/static/portal.js?v=")
    assert "  " not in page.texts["h1"][0]
    return page
