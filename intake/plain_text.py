"""Whose words are these: the person's now, somebody's passed on, or a quotation?"""

import re
import unicodedata
from dataclasses import dataclass, field
from enum import Enum, auto


def _plain_letter(code: int) -> str:
    return unicodedata.normalize("NFD", chr(code))[0].lower()[0]


_FOLD = {code: _plain_letter(code) for code in range(0x250)}
_FOLD |= {ord("’"): "'", ord("‘"): "'", ord("œ"): "o", ord("Œ"): "o"}


def fold(text: str) -> str:
    """Drop accents and case; each character stays at its place."""
    return text.translate(_FOLD)


def any_of(*phrases: str) -> re.Pattern[str]:
    """Compile phrases, each a pattern in the letters that `fold` leaves."""
    return re.compile("|".join(phrases))


@dataclass(frozen=True, slots=True)
class Layers:
    """One text by who wrote it: the person now, somebody passed on, or set aside.

    *quoted* also holds what follows a signature mark.
    """

    new: str
    forwarded: str
    quoted: str


class _Mode(Enum):
    NEW = auto()
    FORWARDED = auto()
    QUOTED = auto()
    SIGNATURE = auto()


_FORWARD_MARK = re.compile(
    r"[\s>*]*(-{2,}\s*)?((debut du|begin) (message |courriel )?"
    r"(transfere|reexpedie|forwarded)( message)?\s*:|(forwarded (message|by)"
    r"|(message|courriel) (transfere|reexpedie))\b.{0,80}-{2,})"
)
_ORIGINAL_MARK = re.compile(
    r"[\s>*]*-{3,}\s*(message d'origine|message original|original message)\b"
)
_HEADER_LINE = re.compile(
    r"[\s>]*\*?(de|from|envoye|sent|date|a|to|cc|objet|subject|repondre a|reply-to)"
    r"\s?\*?\s?:\*?\s?(.*)"
)
_ATTRIBUTION = re.compile(r".{0,400}\b(a ecrit|wrote|ecrivait)\b.{0,80}:\s*")
_DATED = re.compile(r"[\s>]*(le|on)\b.{0,40}\d")
_ATTRIBUTION_LINES = 3
_PROGRAM_LINE = re.compile(
    r"\s*((envoye|sent) (de|depuis|a partir de|from|via|with|avec)( mon| my| l'| un "
    r"| a | outlook| yahoo| gmail| proton| courrier| mail)"
    r"|(obtenir|telecharger|get) outlook (pour|for)|provenance\s?: courrier).{0,100}"
)
_NOTICE = re.compile(
    r"\s*(avis de confidentialite|confidentiality notice|ce (courriel|message) "
    r"(est|peut|contient|et ses).{0,80}confidentiel|this (e-?mail|message) .{0,80}"
    r"confidential)"
)
_SIGNATURE_MARK = re.compile(r"--\s?")
_RULE = re.compile(r"[\s_=*-]{8,}")
_HEADERS_OF_A_MESSAGE = 8


def layers(text: str, *, ours: str, passes_on: bool) -> Layers:
    """
    Tell the new words from the forwarded and the quoted ones.

    *ours* is the intake's address: a letter of ours passed on is a quotation.
    *passes_on* says that the subject announces a forward; Outlook marks a forward
    and a reply alike.
    """
    sorter = _Sorter(text.split("\n"), ours=ours, passes_on=passes_on)
    sorter.sort()
    return Layers(*("\n".join(lines).strip() for lines in sorter.layers))


@dataclass(slots=True)
class _Sorter:
    lines: list[str]
    ours: str
    passes_on: bool
    mode: _Mode = _Mode.NEW
    in_headers: bool = False
    new: list[str] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    quoted: list[str] = field(default_factory=list)
    folded: list[str] = field(init=False)
    last_mark: int = field(init=False)

    def __post_init__(self) -> None:
        self.folded = [fold(line) for line in self.lines]
        marked = (i for i, line in enumerate(self.lines) if line.startswith(">"))
        self.last_mark = max(marked, default=-1)

    @property
    def layers(self) -> tuple[list[str], list[str], list[str]]:
        return self.new, self.forwarded, self.quoted

    def sort(self) -> None:
        at = 0
        while at < len(self.lines):
            at += self._mark(at) or self._line(at)

    def _mark(self, at: int) -> int:
        """Change the mode at a mark; return the lines it takes, 0 for none."""
        if self.mode is _Mode.QUOTED:
            return 0
        folded = self.folded[at]
        marked = folded.startswith(">") and self.mode is not _Mode.FORWARDED
        if _FORWARD_MARK.match(folded) and (self.passes_on or not marked):
            return self._passed_on(at, 1, quoted=False)
        if marked:
            return 0
        if _ORIGINAL_MARK.match(folded) or self._is_header_block(at):
            taken = 1 if _ORIGINAL_MARK.match(folded) else 0
            self._passed_on(at, taken, quoted=not self.passes_on)
            return taken
        taken = self._attribution(at)
        if taken:
            self.quoted.extend(self.lines[at : at + taken])
            # Marked lines follow: only they are quoted, and new words may come after.
            if self.last_mark < at or self.mode is _Mode.FORWARDED:
                self.mode = _Mode.QUOTED
        return taken

    def _passed_on(self, at: int, taken: int, *, quoted: bool) -> int:
        top = self.lines[at : at + taken + _HEADERS_OF_A_MESSAGE]
        senders = [line for line in top if re.match(r"[\s>*]*(de|from)\b", fold(line))]
        by_us = bool(self.ours) and self.ours in "".join(senders).lower()
        self.in_headers = True
        self.mode = _Mode.QUOTED if by_us or quoted else _Mode.FORWARDED
        return taken

    def _is_header_block(self, at: int) -> bool:
        first = _HEADER_LINE.match(self.folded[at])
        if first is None or first[1] not in {"de", "from"}:
            return False
        if self.mode is _Mode.FORWARDED and self.in_headers:
            return False
        near = self.folded[at : at + _HEADERS_OF_A_MESSAGE]
        names = {found[1] for found in map(_HEADER_LINE.match, near) if found}
        dated = names & {"envoye", "sent", "date"}
        return bool(dated and names & {"a", "to", "objet", "subject"})

    def _attribution(self, at: int) -> int:
        """Count the lines of « Le 3 mai, Office a écrit : » at *at*, 0 for none."""
        for taken in range(1, _ATTRIBUTION_LINES + 1):
            last = self.folded[at + taken - 1 : at + taken]
            if not "".join(last).strip() or (taken > 1 and _DATED.match(last[0])):
                return 0
            said = " ".join(self.folded[at : at + taken])
            if _ATTRIBUTION.fullmatch(said):
                alone = taken == 1 and "@" in said
                return taken if alone or _DATED.match(said) else 0
        return 0

    def _line(self, at: int) -> int:
        line, folded = self.lines[at], self.folded[at]
        if self.mode is _Mode.FORWARDED:
            self._forwarded_line(line, folded)
        elif self.mode is _Mode.QUOTED or line.startswith(">"):
            self.quoted.append(re.sub(r"^[> ]+", "", line))
        elif _SIGNATURE_MARK.fullmatch(line) or _NOTICE.match(folded):
            self.mode = _Mode.SIGNATURE
        elif not (_PROGRAM_LINE.fullmatch(folded) or _RULE.fullmatch(line)):
            target = self.new if self.mode is _Mode.NEW else self.quoted
            target.append(line.rstrip())
        return 1

    def _forwarded_line(self, line: str, folded: str) -> None:
        header = _HEADER_LINE.match(folded) if self.in_headers else None
        if header:
            if header[1] in {"objet", "subject"}:
                self.forwarded.append(line[header.start(2) :])
            return
        self.in_headers = self.in_headers and not folded.strip(" >")
        if not (_PROGRAM_LINE.fullmatch(folded) or _RULE.fullmatch(line)):
            self.forwarded.append(re.sub(r"^[> ]+", "", line))
