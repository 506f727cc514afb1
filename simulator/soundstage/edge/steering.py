"""Reads what a single request asks for: `X-Soundstage-Fault`, `Prefer: code=` and magic inputs in its text."""

from collections.abc import Mapping
from dataclasses import dataclass

from multidict import CIMultiDictProxy

from soundstage.core.bent import Applied
from soundstage.core.call import Reply
from soundstage.core.provider import Role
from soundstage.faults import Faults
from soundstage.faults.asked import by_header, by_preference
from soundstage.faults.magic import MARK, in_text
from soundstage.validation import header_text

FAULT_HEADER = "X-Soundstage-Fault"
_PREFER = "Prefer"
_WARNING = "X-Soundstage-Warning"


@dataclass(frozen=True, slots=True)
class Asked:
    """The faults one request asks for, and what it asks for in vain."""

    faults: tuple[Applied, ...] = ()
    problems: tuple[str, ...] = ()

    def warned(self, reply: Reply) -> Reply:
        """Return a reply that says what was asked for in vain."""
        if not self.problems:
            return reply
        before = reply.headers.get(_WARNING)
        told = header_text("; ".join([*([before] if before else []), *self.problems]))
        return reply._replace(headers={**reply.headers, _WARNING: told})


NOTHING = Asked()


def asks(headers: Mapping[str, str], raw: bytes) -> bool:
    """Tell whether a request asks for anything; nearly none does."""
    return FAULT_HEADER in headers or _PREFER in headers or MARK in raw


def asked_by(headers: CIMultiDictProxy[str], raw: bytes, role: Role, faults: Faults) -> Asked:
    """Return what a request asks for, the strongest first."""
    acting: list[Applied] = []
    problems: list[str] = []
    readings = [by_header(faults, text, role) for text in headers.getall(FAULT_HEADER, ())]
    readings += [(by_preference(faults, text), []) for text in headers.getall(_PREFER, ())]
    readings += [in_text(faults, raw)] if MARK in raw else []
    for found, wrong in readings:
        acting += found
        problems += wrong
    return Asked(tuple(acting), tuple(problems))
