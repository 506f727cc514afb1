"""Reads what a single request asks for: `X-Soundstage-Fault`, `Prefer: code=` and magic inputs in its text."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from multidict import CIMultiDictProxy, istr

from soundstage.core.bending import APPLIED
from soundstage.core.bent import Applied
from soundstage.core.call import Call, Reply
from soundstage.core.fitness import unfit_for_call, unfit_for_role
from soundstage.core.provider import Operation, Provider
from soundstage.faults import Faults
from soundstage.faults.asked import by_header, by_preference
from soundstage.faults.magic import MARK, in_body
from soundstage.validation import header_text

# Headers are looked up on every call, and this type spares each of them a conversion.
FAULT_HEADER: Final = istr("X-Soundstage-Fault")
_PREFER: Final = istr("Prefer")
_WARNING: Final = "X-Soundstage-Warning"
_MOST_WARNED: Final = 1024
# The calls that carry a prompt.
_TOLD: Final = frozenset({"create", "quote", "completion"})
_MARK: Final = MARK.encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """The faults one request asks for, and what it asks for in vain."""

    faults: tuple[Applied, ...] = ()
    problems: tuple[str, ...] = ()

    def warned(self, reply: Reply) -> Reply:
        """Return a reply that says what was asked for in vain, be it only because the call went another way."""
        acted = reply.headers.get(APPLIED, "").split(", ")
        idle = [f"{one.name} changed nothing here" for one in self.faults if one.name not in acted]
        if not self.problems and not idle:
            return reply
        before = reply.headers.get(_WARNING)
        told = _told([*([before] if before else []), *self.problems, *idle])
        return reply._replace(headers={**reply.headers, _WARNING: told})


NOTHING: Final = Asked()


def asks(headers: Mapping[str, str], raw: bytes, operation: Operation) -> bool:
    """Tell whether a request asks for anything; nearly none does."""
    # In the bytes, which are quickly searched however long a picture in them is; nearly none goes on to be read.
    return FAULT_HEADER in headers or _PREFER in headers or (operation.role in _TOLD and _MARK in raw)


def asked_by(
    headers: CIMultiDictProxy[str], raw: bytes, call: Call, operation: Operation, provider: Provider, faults: Faults
) -> Asked:
    """Return what a request asks for, the strongest first, and what of it means nothing for this call."""
    acting: list[Applied] = []
    problems: list[str] = []
    for found, wrong, insists in _readings(headers, raw, call.body, operation, faults):
        problems += wrong
        for applied in found:
            kind = faults.kind(applied.name)
            role = unfit_for_role(kind, operation)
            reason = role or unfit_for_call(kind, call, provider)
            if reason is None:
                acting.append(applied)
            elif insists or role is None:
                problems.append(f"{applied.name} changes nothing here: {reason}")
    return Asked(tuple(acting), tuple(problems))


def _readings(
    headers: CIMultiDictProxy[str], raw: bytes, body: Any, operation: Operation, faults: Faults
) -> Iterator[tuple[tuple[Applied, ...], list[str], bool]]:
    """Yield the faults of each reading, what is wrong in it, and whether each was meant for this very call."""
    if FAULT_HEADER in headers:
        # Several lines are one list, however many there are.
        yield *by_header(faults, ", ".join(headers.getall(FAULT_HEADER))), True
    for text in headers.getall(_PREFER, ()):
        yield by_preference(faults, text), [], True
    if operation.role in _TOLD and _MARK in raw:
        # A client sends the prompt of a task to its quote as well.
        yield *in_body(faults, body), operation.role != "quote"


def _told(notes: list[str]) -> str:
    """Return what there is to say as one header of at most 1 KiB."""
    texts = [header_text(note) for note in dict.fromkeys(notes)]
    told = texts[0][: _MOST_WARNED // 2]
    for number, text in enumerate(texts[1:], 1):
        if len(told) + len(text) > _MOST_WARNED - len("; ; and 1,000 more"):
            return f"{told}; and {len(texts) - number} more"
        told = f"{told}; {text}"
    return told
