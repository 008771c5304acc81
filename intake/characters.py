"""Turn bytes that were sent into text that can be read, searched and stored."""

import binascii
import re
import unicodedata
from codecs import getincrementaldecoder

_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029")
_SPACES = re.compile("[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_HYPHENS = re.compile("[\u2010-\u2012\u2212]")
# What a reader sees turned round is not what is written: a number must not hold it.
_TURNED_ROUND = re.compile("[\u202b\u202e\u2067]")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2069\ufeff\ue000-\uf8ff\ud800-\udfff]"
)
# One letter at a time: to compose a whole text is quadratic in a run of accents.
_ACCENTED = re.compile("[A-Za-z][\u0300-\u036f]{1,2}")
_BEYOND_LATIN = re.compile("[^\x00-\u02ff]")
# Only text charsets that mail programs write: some other Python codecs are slow on
# hostile input, and each unknown name would stay in the codec cache for ever.
_CHARSET = re.compile(
    r"utf-?16(le|be)?|iso-?8859-?([2-9]|1[0-1]|1[3-6])|(windows-?|cp)125[0-8]"
    r"|mac-?roman|macintosh|koi8-[ru]|gb2312|gbk|gb18030|big5|shift-jis|euc-(jp|kr)"
    r"|iso-2022-jp",
)
_SPACED = re.compile(rb"[^\s] +[^\s]")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?[^?\s]+\?[bBqQ]\?[^?]*\?=)")


def clean(text: str) -> str:
    """Compose accents, make every space plain, and drop what cannot be seen.

    A mark that turns the text round stays, as a sign that is part of no word.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _SPACES.sub(" ", _LINE_ENDS.sub("\n", text))
    if not _BEYOND_LATIN.search(text):
        return _INVISIBLE.sub("", text)
    text = _INVISIBLE.sub("", _TURNED_ROUND.sub("\ufffd", text))
    return _ACCENTED.sub(_composed, _HYPHENS.sub("-", text))


def _composed(accented: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", accented[0])


def decoded(content: bytes, charset: str, *, complete: bool = True) -> str:
    """
    Decode by what the bytes say first, then by what the sender declared.

    Accented Latin-1 is almost never valid UTF-8, so valid UTF-8 is believed over
    a header that lies; the last resort is Windows-1252, which refuses nothing.
    An incomplete text may end inside a character.
    """
    name = charset.strip().lower().replace("_", "-")
    if _CHARSET.fullmatch(name):
        try:
            return content.decode(name)
        except (UnicodeError, LookupError):
            pass
    try:
        if complete:
            return content.decode()
        return getincrementaldecoder("utf-8")().decode(content, final=False)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def from_base64(content: bytes) -> bytes:
    """Decode what can be; a cut or dirty base64 keeps its beginning.

    Words with spaces between them are no base64, whatever the header says.
    """
    if _SPACED.search(content):
        return content
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def decoded_words(value: str) -> str:
    """Decode RFC 2047 words; a word that cannot be decoded stays as it was sent."""
    if "=?" not in value:
        return value

    def word(found: re.Match[str]) -> str:
        charset, way = found[1].split("*")[0], found[2].lower()
        sent = found[3].encode("utf-8", "replace")
        if way == "b":
            return decoded(from_base64(sent), charset)
        return decoded(binascii.a2b_qp(sent, header=True), charset)

    return _ENCODED_WORD.sub(word, _BETWEEN_WORDS.sub("", value))
