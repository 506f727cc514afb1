"""The stock of words that generated strings are made of, found by a property's name or by its format."""

from collections.abc import Callable
from functools import lru_cache

Below = Callable[[int], int]

PLAIN = (
    "amber", "harbour", "meadow", "lantern", "river", "copper", "willow", "granite", "autumn", "signal",
    "garden", "mirror", "orchard", "silver", "canvas", "ember", "valley", "violet", "winter", "bridge",
    "cedar", "coral", "delta", "echo", "falcon", "forest", "island", "juniper", "marble", "north",
    "ocean", "paper", "quartz", "saffron", "summit", "thunder", "velvet", "waterfall", "yellow", "zephyr",
)  # fmt: skip
_FIRST = ("Ada", "Jonas", "Mira", "Tomas", "Leila", "Oskar", "Nina", "Ravi", "Clara", "Emil")
_LAST = ("Marsh", "Lindqvist", "Okafor", "Brandt", "Moreau", "Castillo", "Novak", "Tanaka", "Hale", "Weiss")

# The names of properties, and what strings of theirs are.
_STOCK: dict[str, tuple[str, ...]] = {
    "description summary text content body note comment reason explanation message answer prompt caption reasoning "
    "output step": (
        "A calm scene with soft light and slow movement.",
        "Short and clear, written for someone new to the subject.",
        "The main points are listed first and the details follow.",
        "Made from the information given, without further assumptions.",
        "A small example that can be changed later.",
        "Works best in the morning and needs little preparation.",
    ),
    "title subject headline heading": (
        "The Quiet Harbour", "Letters from the Valley", "A Field Guide to Rain", "Copper and Salt", "North by Lantern",
    ),
    "query": ("weather this week", "train times to Turin", "quiet places to read"),
    "question": ("What should come first?", "How long does it take?", "Which one is lighter?"),
    "city town location place destination origin": ("Lisbon", "Oslo", "Kyoto", "Turin", "Ghent", "Boston", "Nairobi"),
    "country": ("Portugal", "Norway", "Japan", "Italy", "Kenya", "Uruguay"),
    "street address": ("12 Orchard Lane", "48 Harbour Road", "7 Mill Street"),
    "zip postcode": ("10115", "94103", "02139"),
    "phone": ("+1 555 0100", "+1 555 0142", "+1 555 0187"),
    "color colour": ("teal", "amber", "navy", "coral", "olive"),
    "currency": ("EUR", "USD", "JPY", "GBP"),
    "language lang": ("en", "de", "fr", "ja"),
    "locale": ("en-GB", "de-DE", "fr-FR"),
    "timezone": ("Europe/Lisbon", "Asia/Tokyo", "America/New_York"),
    "status": ("open", "done", "waiting"),
    "category genre": ("general", "travel", "music", "home"),
    "company organization": ("Marsh & Hale", "Northlight Studio", "Copper Lane Press"),
    "ingredient": ("flour", "olive oil", "salt", "basil", "lemon"),
    "file filename path": ("notes.txt", "cover.png", "take-2.wav"),
    "symbol ticker": ("ACME", "NRTH", "CPLN"),
    "role job": ("editor", "gardener", "engineer"),
    "domain hostname": ("example.com", "media.example.com", "www.example.org"),
    "first": _FIRST,
    "last": _LAST,
}  # fmt: skip
_BY_WORD = {word: texts for words, texts in _STOCK.items() for word in words.split()}


def _word(below: Below) -> str:
    return PLAIN[below(len(PLAIN))]


def _name(below: Below) -> str:
    return f"{_FIRST[below(len(_FIRST))]} {_LAST[below(len(_LAST))]}"


def _email(below: Below) -> str:
    return f"{_name(below).replace(' ', '.').lower()}@example.com"


def _date(below: Below) -> str:
    return f"{2020 + below(10)}-{1 + below(12):02}-{1 + below(28):02}"


def _clock(below: Below) -> str:
    return f"{below(24):02}:{below(60):02}:{below(60):02}Z"


def _moment(below: Below) -> str:
    return f"{_date(below)}T{_clock(below)}"


def _uri(below: Below) -> str:
    return f"https://example.com/{_word(below)}/{1 + below(900)}"


def _host(below: Below) -> str:
    return f"{_word(below)}.example.com"


def _uuid(below: Below) -> str:
    digits = f"{below(2**64):016x}{below(2**64):016x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{'89ab'[below(4)]}{digits[17:20]}-{digits[20:]}"


FORMATS: dict[str, Callable[[Below], str]] = {
    "date": _date, "time": _clock, "date-time": _moment, "duration": lambda below: f"PT{1 + below(59)}M",
    "email": _email, "idn-email": _email, "hostname": _host, "idn-hostname": _host, "uuid": _uuid,
    "ipv4": lambda below: f"192.0.2.{1 + below(254)}", "ipv6": lambda below: f"2001:db8::{1 + below(65535):x}",
    "uri": _uri, "iri": _uri, "uri-reference": _uri, "iri-reference": _uri, "uri-template": _uri,
    "json-pointer": lambda below: f"/{_word(below)}", "relative-json-pointer": lambda below: f"{below(3)}",
    "regex": lambda below: f"^{_word(below)}$",
}  # fmt: skip
_MADE: dict[str, Callable[[Below], str]] = {
    "email": _email, "mail": _email, "url": _uri, "uri": _uri, "link": _uri, "website": _uri, "href": _uri,
    "date": _date, "day": _date, "deadline": _date, "birthday": _date, "timestamp": _moment, "uuid": _uuid,
    "time": lambda below: _clock(below)[:5], "name": _name, "author": _name,
    "id": lambda below: f"id_{below(16**8):08x}", "token": lambda below: f"{below(16**8):08x}",
    "code": lambda below: f"{_word(below)[:3].upper()}-{100 + below(900)}",
}  # fmt: skip


def worded(name: str, below: Below) -> str:
    """Return a string that suits a property of this name; two plain words when the name says nothing."""
    hint = _hint(name[:64])
    if hint in _MADE:
        return _MADE[hint](below)
    return _BY_WORD[hint][below(len(_BY_WORD[hint]))] if hint else f"{_word(below)} {_word(below)}"


def filler(length: int, below: Below) -> str:
    """Return plain words of exactly this many characters."""
    words = f"{_word(below)} {_word(below)} {_word(below)} "
    text = (words * (length // len(words) + 1))[:length]
    return text[:-1] + "s" if text.endswith(" ") else text


@lru_cache(maxsize=1024)
def _hint(name: str) -> str:
    """Return the last known word in a name like `userEmail`, `home_city` or `tags`; empty when there is none."""
    spaced = "".join([f" {mark}" if mark.isupper() else mark if mark.isalnum() else " " for mark in name]).lower()
    words = spaced.split()
    if words[-1:] == ["name"] and words[0] in ("first", "last"):
        return words[0]
    for word in reversed([*words, spaced.replace(" ", "")]):
        for form in (word, word.removesuffix("s"), word[:-3] + "y" if word.endswith("ies") else word):
            if (form in _MADE or form in _BY_WORD) and form not in ("first", "last"):
                return form
    return ""
