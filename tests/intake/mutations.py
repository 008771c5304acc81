"""Messages damaged at random, each one again from its seed and its place."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random, SystemRandom

from tests.intake.corpus import CASES
from tests.intake.messages import Case

LONG = os.environ.get("ECHEANCE_LONG") == "1"
LARGEST = 20_000
WHOLE = tuple(case for case in CASES if len(case.raw) <= LARGEST)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One damaged message, and those it was made from."""

    name: str
    raw: bytes
    origins: tuple[Case, ...]


def mutants(count: int) -> Iterator[Mutant]:
    """
    Make *count* damaged messages, and say from which seed.

    ECHEANCE_SEED gives a seed of before; a mutant depends on it and its place alone.
    """
    seed = os.environ.get("ECHEANCE_SEED") or str(SystemRandom().randrange(10**9))
    print(f"ECHEANCE_SEED={seed}")  # noqa: T201 -- pytest shows it with a failure
    for place in range(count):
        yield mutant(seed, place)


def mutant(seed: str, place: int) -> Mutant:
    chance = Random(f"{seed}/{place}")
    case = chance.choice(WHOLE)
    raw, origins = case.raw, [case]
    for _ in range(chance.randint(1, 4)):
        if chance.random() < _SPLICED:
            other = chance.choice(WHOLE)
            raw = spliced(chance, raw, other.raw)
            origins.append(other)
        else:
            raw = chance.choice(DAMAGES)(chance, raw)
    return Mutant(f"{seed}/{place}", raw, tuple(origins))


_SPLICED = 0.2


def spliced(chance: Random, raw: bytes, other: bytes) -> bytes:
    """The beginning of one message and the end of another."""
    return (
        raw[: chance.randrange(len(raw) + 1)]
        + other[chance.randrange(len(other) + 1) :]
    )


def flipped(chance: Random, raw: bytes) -> bytes:
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 20)):
        if damaged:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def cut(chance: Random, raw: bytes) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + raw[start + chance.randint(1, 200) :]


def ended_early(chance: Random, raw: bytes) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def repeated(chance: Random, raw: bytes) -> bytes:
    """One line of the message many times over."""
    lines = raw.split(b"\r\n")
    at = chance.randrange(len(lines))
    lines[at:at] = [lines[at]] * chance.choice((1, 2, 40))
    return b"\r\n".join(lines)


def moved(chance: Random, raw: bytes) -> bytes:
    """Lines in another order."""
    lines = raw.split(b"\r\n")
    taken = lines.pop(chance.randrange(len(lines)))
    lines.insert(chance.randrange(len(lines) + 1), taken)
    return b"\r\n".join(lines)


def spiced(chance: Random, raw: bytes) -> bytes:
    at = chance.randrange(len(raw) + 1)
    return raw[:at] + chance.choice(SPICES) * chance.choice((1, 1, 50)) + raw[at:]


def with_another(pattern: bytes, instead: tuple[bytes, ...]) -> "Damage":
    """Say something else where *pattern* is, or nothing where it is not."""

    def changed(chance: Random, raw: bytes) -> bytes:
        found = list(re.finditer(pattern, raw))
        if not found:
            return raw
        chosen = chance.choice(found)
        return raw[: chosen.start()] + chance.choice(instead) + raw[chosen.end() :]

    return changed


Damage = Callable[[Random, bytes], bytes]
CHARSETS = (
    *(b"utf-16", b"utf-7", b"iso-2022-jp", b"koi8-r", b"idna", b"x-mars", b"\xff"),
    *(b"cp1252", b"big5", b"utf-16le", b"utf8", b""),
)
TRANSPORTS = (b"base64", b"quoted-printable", b"7bit", b"x-uu", b"BASE64 ", b"")
KINDS = (
    *(b"multipart/mixed", b"multipart/alternative", b"text/html", b"text/calendar"),
    *(b"message/rfc822", b"message/delivery-status", b"text/rfc822-headers", b"/"),
)
DAMAGES: tuple[Damage, ...] = (
    flipped,
    cut,
    ended_early,
    repeated,
    moved,
    spiced,
    with_another(rb"=_b7", (b"=_b8", b"=_b7--", b"", b'"', b"=_b7 ", b"b" * 300)),
    with_another(rb"--=_b7", (b"-=_b7", b"--=_b7--", b"\r\n", b"--")),
    with_another(rb"(?i)utf-8|iso-8859-1|us-ascii", CHARSETS),
    with_another(rb"8bit|base64|quoted-printable", TRANSPORTS),
    with_another(rb"(?:text|multipart|message)/[\w-]+", KINDS),
    with_another(rb"\r\n\r\n", (b"\r\n", b"\n\n", b"\r\r", b"")),
)
SPICES = (
    *(b"\0", b"\xff", b"\r", b"\n", b"\r\n\r\n", b"--=_b7\r\n", b"--=_b7--", b"=?"),
    *(b"?=", b"<", b">", b"<!--", b"<blockquote>", b"<p hidden>", b"&#x110000;"),
    *(b"=", b"=3D", b"\xed\xa0\x80", "\u202e".encode(), "\u2028".encode(), b"\xc4\xb0"),
    *(b"Content-Type: message/rfc822\r\n", b"Content-Transfer-Encoding: base64\r\n"),
    *(b"Received: a\r\n", b"References: <a@b>\r\n ", b"X-Spam-Flag: YES\r\n"),
    *(b'boundary="', b"=?utf-16?q?=D8?=", b"charset=utf-16", "\ue000".encode()),
    *(b"CAR20", b"nouveau ", b"expir\xe9 ", b"> ", b"-- \r\n", b"De :", b"> > "),
    *(b"charset*0*=x''y;", b"boundary*=a; boundary*0=b; ", b"&#0;", b"=?utf-8?b?=?="),
    *(b"550 5.1.1 ", b"Action: failed\r\n", b"Status: 2.0.0\r\n", b'"', b"("),
)
