"""A PDF as a program for the blind, an archive or a camera takes it in."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from io import BytesIO

import pikepdf
from PIL import Image
from pypdfium2 import PdfDocument  # type: ignore[import-untyped]  # bears none

CLAIMS = {"pdfuaid:part=1", "pdfaid:part=2", "pdfaid:conformance=A"}
POINTS_PER_INCH = 72
FORBIDDEN = ("/JS", "/JavaScript", "/Launch", "/EmbeddedFile", "/OpenAction", "/AA")


@dataclass(frozen=True)
class Tag:
    """An element of the structure: its role, own language, description and place."""

    role: str
    alt: str | None
    lang: str | None
    box: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Document:
    """A PDF that was opened."""

    pdf: pikepdf.Pdf
    data: bytes

    @property
    def language(self) -> str:
        return str(self.pdf.Root.Lang)

    @property
    def title(self) -> str:
        return str(self.pdf.docinfo["/Title"])

    @property
    def claims(self) -> set[str]:
        """What it says of itself, however its metadata write it."""
        said = self.pdf.Root.Metadata.read_bytes().decode()
        one = r"\b(pdf(?:ua|a)id:\w+)(?:>|=\")(\w+)"
        return {f"{name}={value}" for name, value in re.findall(one, said)}

    @property
    def tags(self) -> list[Tag]:
        return list(_tags(self.pdf.Root.StructTreeRoot))

    @property
    def roles(self) -> list[str]:
        return [tag.role for tag in self.tags]

    def text(self) -> str:
        """Read it aloud, page after page, lines joined."""
        with closing(PdfDocument(self.data)) as pages:
            told = "\n".join(page.get_textpage().get_text_bounded() for page in pages)
        # A hyphen at a line's end is told as a character that stands for none.
        return re.sub(r"\s+", " ", re.sub("[\ufffe\x02]", "-", told))

    def picture(self, dots_per_inch: int) -> Image.Image:
        """Look at its first page, in shades of grey."""
        with closing(PdfDocument(self.data)) as pages:
            seen = pages[0].render(scale=dots_per_inch / POINTS_PER_INCH)
            picture: Image.Image = seen.to_pil().convert("L")
            return picture


def opened(data: bytes) -> Document:
    """Open a PDF; fails unless it is accessible, archival, and only paper."""
    pdf = pikepdf.open(BytesIO(data))
    document = Document(pdf, data)
    assert pdf.check_pdf_syntax() == []
    assert bool(pdf.Root.MarkInfo.Marked)
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert document.claims == CLAIMS
    assert document.roles[0] == "/Document"
    assert document.roles.count("/H1") == 1
    for tag in document.tags:
        assert tag.role != "/Figure" or tag.alt
    for page in pdf.pages:
        assert page.obj.Tabs == pikepdf.Name.S
    fonts = [font for page in pdf.pages for font in _fonts(page.obj)]
    assert fonts
    for font in fonts:
        assert "/ToUnicode" in font
        (inner,) = font.DescendantFonts
        assert {"/FontFile2", "/FontFile3"} & set(inner.FontDescriptor.keys())
    for thing in pdf.objects:
        if isinstance(thing, (pikepdf.Dictionary, pikepdf.Stream)):
            assert not set(FORBIDDEN) & set(thing.keys())
            assert thing.get("/S") not in {pikepdf.Name(name) for name in FORBIDDEN}
    return document


def squeezed(text: str) -> str:
    """Leave out what a line's end may add or take: spaces and hyphens."""
    return "".join(text.replace("-", "").split())


def _tags(thing: pikepdf.Object) -> Iterator[Tag]:
    if isinstance(thing, pikepdf.Array):
        for each in thing:
            yield from _tags(each)
    elif isinstance(thing, pikepdf.Dictionary):
        if "/S" in thing:
            alt, lang = _said(thing, "/Alt"), _said(thing, "/Lang")
            yield Tag(str(thing.S), alt, lang, _box(thing))
        if "/K" in thing:
            yield from _tags(thing.K)


def _said(thing: pikepdf.Dictionary, name: str) -> str | None:
    return str(thing[name]) if name in thing else None


def _box(thing: pikepdf.Dictionary) -> tuple[float, ...] | None:
    attributes = thing.get("/A")
    if not isinstance(attributes, pikepdf.Array):
        return None
    boxes = [a["/BBox"] for a in attributes if "/BBox" in a]
    return tuple(float(x) for x in boxes[0]) if boxes else None


def _fonts(page: pikepdf.Dictionary) -> list[pikepdf.Object]:
    return [font for _, font in page.Resources.Font.items()]
