"""Which number is the new dossier's and which the expired certificate's?"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, auto
from itertools import islice, pairwise

from intake.plain_text import fold
from rules.numbers import (
    DossierNumber,
    find_dossier_numbers,
    find_suspicious_numbers,
)


class Role(StrEnum):
    """What a person says a number is."""

    NEW = auto()
    EXPIRED = auto()


@dataclass(frozen=True, slots=True)
class Roles:
    """
    The numbers of a text, in order, and those to which the person gave a role.

    *suspicious* look like numbers and are none.
    """

    numbers: tuple[DossierNumber, ...] = ()
    new: frozenset[DossierNumber] = frozenset()
    expired: frozenset[DossierNumber] = frozenset()
    suspicious: tuple[str, ...] = ()

    @property
    def unsaid(self) -> frozenset[DossierNumber]:
        """The numbers of which the text does not say what they are."""
        return frozenset(self.numbers) - self.new - self.expired


def roles_in(text: str) -> Roles:
    """
    Read the role of each number of *text* from the words around it, never from it.

    An explicit word ("nouveau", "expired") rules; then the direction of a sentence
    ("du certificat … vers le dossier …"); then, for two numbers, "dossier" against
    "certificat". Two numbers in one role are both returned: the caller must ask.
    """
    # A number is never broken over two lines: the others need not be looked through.
    naming = "\n".join(line for line in text.split("\n") if _MAY_NAME.search(line))
    numbers, suspicious = find_dossier_numbers(naming), find_suspicious_numbers(naming)
    if not numbers:
        return Roles(suspicious=suspicious)
    read = numbers[:_NUMBERS_READ]
    # A badly written number has a role too: the words about it are not free.
    marked = _marked(text, read, suspicious[:_SUSPICIOUS_READ])
    said = set(_labelled(marked))
    said |= set(_unsaid_yet(_directed(marked), said))
    if len(numbers) == len(Role):
        said |= set(_unsaid_yet(_contrasted(marked, said), said))
    by_role = {role: frozenset(_numbers(read, said, role)) for role in Role}
    return Roles(numbers, by_role[Role.NEW], by_role[Role.EXPIRED], suspicious)


# Without these letters, or others that pass for them, there is no number to look for.
_MAY_NAME = re.compile(
    "c(?:ar|cv)|[\u0250-\u1fff\u2070-\u2dff\u2e80-\ud7ff\uf900-\ufeff\uff00-\uffef"
    "\U00010000-\U0010ffff]",
    re.IGNORECASE,
)

_Said = tuple[str, Role]


def _numbers(
    numbers: tuple[DossierNumber, ...], said: set[_Said], role: Role
) -> Iterator[DossierNumber]:
    places = (ord(mark) - _FIRST for mark, given in said if given is role)
    return (numbers[place] for place in places if place < len(numbers))


def _unsaid_yet(pairs: list[_Said], said: set[_Said]) -> list[_Said]:
    """Keep what a weaker reading adds, nothing that an explicit word has said."""
    marks = {mark for mark, _ in said}
    roles = {role for _, role in said}
    return [(mark, r) for mark, r in pairs if mark not in marks and r not in roles]


# Numbers become one private character each, so that a pattern can speak of them.
_FIRST = 0xE000
_NUMBERS_READ = 20
_SUSPICIOUS_READ = 10
_TOKENS_READ = 200
_N = r"[\ue000-\ue01d]"
_NOT_N = r"[^.!?\ue000-\ue01d]"


def _marked(
    text: str, numbers: tuple[DossierNumber, ...], suspicious: tuple[str, ...]
) -> str:
    folded = fold(text)
    # What may stand inside a number is for rules.numbers to say; it found these.
    written = [r"[^\w\n]{0,3}".join(fold(number)) for number in numbers]
    written += [re.escape(fold(each)) for each in suspicious]
    for index, pattern in enumerate(written):
        alone = rf"(?<![^\W_]){pattern}(?![^\W_])"
        folded = re.sub(alone, chr(_FIRST + index), folded)
    return re.sub(" {2,}", " ", folded)


# --- explicit words ---------------------------------------------------------------

_NEW = (
    # « de nouveau » alone means again.
    r"\bnouve(?<!de nouve)(?:aux?|lle|l)\b|\bnouve(?:au|lle) (?=dossier|numero|file)"
    r"|\bnouv(?:o|eua|eaux)\b|\bnew(?:ly)?\b"
    r"|\b(?:dossier|numero) (?:que j'ai|que je viens d'|que je viens de)"
    r" ?(?:tout juste )?(?:ouvert|ouvrir|creer|cree|recu|recevoir)\b"
    r"|\bj'ai ouvert le dossier\b|\bi (?:just )?opened (?=file|dossier)"
    r"|\b(?:file|number) i (?:have )?(?:just )?(?:opened|created|received|got)\b"
)
_EXPIRED = (
    r"\b(?:anciens?|anciennes?|vieux|vieille?|precedente?s?|perimee?s?|echue?s?)\b"
    r"|\bexpir(?:ee?s?|er|ed|ait|ing)\b|\bvenu a echeance\b|\bold\b|\bprevious\b"
    r"|\bformer\b|\blapsed\b"
)
_TOKEN = re.compile(rf"(?P<new>{_NEW})|(?P<expired>{_EXPIRED})|(?P<number>{_N})")

# What may stand between a word and the number it speaks of, and adds nothing.
_NOUN = r"dossiers?|certificates?|certificats?|files?|numbers?|numeros?|num|no|n°|nº|nr"
_FILL = (
    rf"{_NOUN}|de|du|des|le|la|les|mon|ma|mes|my|the|of|is|was|est|etait|was|it|it's"
    r"|c'est|cest|its|etant|being|son|his|her|a|one|sous|under|with|avec|porte|portait|portant"
    r"|qui|that|which|je|i|en|on|in|ligne|online|suivant|following|has|had|au|soit"
    r"|certification|representant|representative|opc|car|\d{1,4}|1er"
    r"|opened|ouvert|ouverte?|cree|created|recu|received|obtenu"
    r"|depuis|since|dernier|last|month|year|mois|annee|an|recemment|recently|deja"
    r"|janvier|fevrier|mars|avril|mai|juin|juillet|aout|septembre|octobre|novembre"
    r"|decembre|january|february|march|april|may|june|july|august|september|october"
    r"|november|december"
)
_BETWEEN = re.compile(rf"(?:(?:{_FILL})(?![\w'°º])|[dl]'|[\s:=#|/*_.,()\"«»\[\]>-])*")
_ABBREVIATION = re.compile(r"\b(no|num|nr)\.")
_SENTENCE_ENDS = re.compile(r"[.!?;](?:\s|$)")
_FIRM_BEFORE = re.compile(r"[\s\S]*?(?:[:=(]|\b(?:est|is|was|etait)\b)")
_FIRM_AFTER = re.compile(
    r" ?[(:=]| ?,? ?(?:qui |that |which )?(?:est|is|was|etait|etant|being|a|has)\b"
)
_NEAR = 70
_LISTED = 10
_LINES_BETWEEN = 2
_ALSO = re.compile(r"\s*(?:,|et|and|ou|or|/|&|\+)\s*")
_RESPECTIVELY = re.compile(r"\brespective(?:ment|ly)\b")


@dataclass(frozen=True, slots=True)
class _Token:
    """A number, or a word that gives a role, and the text before it."""

    before: str
    text: str
    role: Role | None

    @property
    def is_number(self) -> bool:
        return self.role is None


@dataclass(frozen=True, slots=True)
class _Text:
    """The tokens of a text, and how they hang together.

    *holds* says how well each token holds to the next, 0 to 2; *leans* tells the words
    of a run « word, number » (1) from those of a run « number, word » (-1).
    """

    tokens: list[_Token]
    holds: list[int]
    leans: list[int]


def _read(marked: str) -> _Text:
    tokens = _tokens(marked)
    # The last one holds to nothing; neither does what comes before the first.
    holds = [_hold(*pair) for pair in pairwise(tokens)] + [0] * bool(tokens)
    return _Text(tokens, holds, list(_leans(tokens, holds)))


def _tokens(marked: str) -> list[_Token]:
    found: list[_Token] = []
    end = 0
    for match in islice(_TOKEN.finditer(marked), _TOKENS_READ):
        role = {"new": Role.NEW, "expired": Role.EXPIRED}.get(match.lastgroup or "")
        token = _Token(marked[end : match.start()], match[0], role)
        end = match.end()
        if found and role and found[-1].role is role and _strength(token.before):
            continue  # « ancien certificat expiré » speaks once
        found.append(token)
    return found


def _strength(between: str, firm: re.Pattern[str] | None = None) -> int:
    """Say how well a word and a number hold together: 0 not, 1 by nearness, 2 said."""
    if len(between) > _NEAR or between.count("\n") > _LINES_BETWEEN:
        return 0
    between = _ABBREVIATION.sub(r"\1", between)
    if _SENTENCE_ENDS.search(between) or not _BETWEEN.fullmatch(between):
        return 0
    return 2 if firm and firm.match(between) else 1


def _labelled(marked: str) -> Iterator[_Said]:
    """Give each number the role of the word that speaks of it, when only one does."""
    text = _read(marked)
    tokens = text.tokens
    claims: dict[int, dict[Role, int]] = {}
    for at, token in enumerate(tokens):
        number, strength = _spoken_of(text, at)
        if token.role and strength:
            held = claims.setdefault(number, {})
            held[token.role] = max(strength, held.get(token.role, 0))
    if not claims and _RESPECTIVELY.search(marked):
        yield from _in_order(tokens)
    for at, token in enumerate(tokens):
        role = _winner(claims.get(at, {}))
        if at not in claims and token.is_number and _ALSO.fullmatch(token.before):
            # « nouveau dossier : A ou B » says the same of both: two answers, so none.
            role = _winner(claims.get(at - 1, {}))
        if role is not None:
            yield token.text, role


def _winner(claim: dict[Role, int]) -> Role | None:
    best = [role for role, strength in claim.items() if strength == max(claim.values())]
    return best[0] if len(best) == 1 else None


def _spoken_of(text: _Text, at: int) -> tuple[int, int]:
    """Return the place of the number that the word at *at* speaks of, and how well."""
    behind = 0 if _opens_a_list(text.tokens, at, -1) else text.holds[at - 1]
    ahead = 0 if _opens_a_list(text.tokens, at, 1) else text.holds[at]
    lean = text.leans[at] if behind and ahead else ahead - behind
    if lean > 0 and ahead >= behind:
        return at + 1, ahead
    if lean < 0 and behind >= ahead:
        return at - 1, behind
    if lean or not behind:
        return at, 0  # the order of the words and their nearness disagree
    return (at + 1, ahead) if ahead > behind else (at - 1, behind)


def _hold(first: _Token, second: _Token) -> int:
    """Say how well two tokens hold together, 0 to 2."""
    if first.is_number == second.is_number:
        return 0
    return _strength(second.before, _FIRM_AFTER if first.is_number else _FIRM_BEFORE)


def _leans(tokens: list[_Token], holds: list[int]) -> Iterator[int]:
    """Tell each token to which side its run leans; 0 when its ends are alike."""
    size = 0
    for at, holds_on in enumerate(holds):
        size += 1
        if not holds_on:
            first = tokens[at - size + 1]
            lean = -1 if first.is_number else 1
            yield from [0 if size % 2 else lean] * size
            size = 0


def _opens_a_list(tokens: list[_Token], at: int, step: int) -> bool:
    """Tell « ancien et nouveau : A et B », where nearness would lie."""
    if not 0 <= at - step < len(tokens) or not 0 <= at + 2 * step < len(tokens):
        return False
    other, numbers = tokens[at - step], (tokens[at + step], tokens[at + 2 * step])
    gap = tokens[max(at + step, at + 2 * step)].before
    listed = all(number.is_number for number in numbers) and len(gap) <= _LISTED
    return listed and other.role not in {None, tokens[at].role}


def _in_order(tokens: list[_Token]) -> list[_Said]:
    words = [token for token in tokens if token.role]
    marks = [token.text for token in tokens if token.is_number]
    roles = [token.role for token in words if token.role]
    together = tokens[:2] == words or tokens[2:] == words
    if not together or set(roles) != set(Role) or len(marks) != len(roles):
        return []
    return list(zip(marks, roles, strict=True))


# --- the direction of a sentence --------------------------------------------------

_MOVE = r"\b(?:tran?s?f\w{2,10}|associ\w{1,6}|mov(?:e|ed|ing)|rattach\w{1,5})\b"
_TO = r"(?:\b(?:vers|dans|au|a|to|into)\b|[-=]+>|→)"
_FROM = r"\b(?:de|du|depuis|from)\b"
_LINK = rf"(?:[ :'(#]|\b(?:le|la|l|mon|ma|my|the|{_NOUN})\b|°)*"
_FROM_TO = re.compile(rf"(?:{_FROM}|{_MOVE}){_LINK}({_N})[ ),]*{_TO}{_LINK}({_N})")
_TO_FROM = re.compile(rf"{_TO}{_LINK}({_N})[ ),]*{_FROM}{_LINK}({_N})")
_TOWARDS = re.compile(rf"{_MOVE}{_NOT_N}{{0,120}}{_TO}{_LINK}({_N})")
_MOVING = re.compile(_MOVE)


def _directed(marked: str) -> list[_Said]:
    """Read « transférer du certificat A vers le dossier B »; one answer or none."""
    if not _MOVING.search(marked):
        return []
    pairs = [(old, new) for old, new in _FROM_TO.findall(marked)]
    pairs += [(old, new) for new, old in _TO_FROM.findall(marked)]
    if not pairs:
        towards = set(_TOWARDS.findall(marked))
        return [(mark, Role.NEW) for mark in towards] if len(towards) == 1 else []
    if len(set(pairs)) > 1:
        return []
    old, new = pairs[0]
    return [(old, Role.EXPIRED), (new, Role.NEW)] if old != new else []


# --- « dossier » against « certificat » -------------------------------------------

_WEAK = {
    Role.NEW: re.compile(rf"\b(?:dossier|file)\b[^\n;!?,\ue000-\ue01d]{{0,16}}({_N})"),
    Role.EXPIRED: re.compile(rf"\bcertificate?\b[^\n;!?,\ue000-\ue01d]{{0,16}}({_N})"),
}


def _contrasted(marked: str, said: set[_Said]) -> list[_Said]:
    """Read two numbers by their nouns, when the other one is called otherwise."""
    named = {role: set(_WEAK[role].findall(marked)) for role in Role}
    for mark, role in said:
        for other in Role:
            named[other].discard(mark)
        named[role].add(mark)
    new, old = named[Role.NEW], named[Role.EXPIRED]
    if len(new) != 1 or len(old) != 1 or new == old:
        return []
    return [(mark, role) for role in Role for mark in named[role]]
