"""Answers that are right although a schema alone expects others: how a driver says which, and why."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from soundstage_contracts.exchange import Request

Fields = Callable[[Any, Request], bool]
"""Says of a body, JSON or the fields of a form, and its request whether something is so."""


@dataclass(frozen=True, slots=True)
class Excuse:
    """Valid by the schema, and yet rightly refused as invalid where `applies` says so of the body; `why` says why."""

    why: str
    operations: frozenset[str]
    applies: Fields


class Unread(NamedTuple):
    """An operation, a pattern of what a complaint names, and why a target may take it although the schema does not."""

    operation: str
    complaint: str
    why: str


def has(*fields: str) -> Fields:
    """Tell bodies in which one of these fields says something."""
    return lambda body, request: isinstance(body, dict) and any(body.get(name) not in (None, "", []) for name in fields)


def lacks(*fields: str) -> Fields:
    """Tell bodies in which none of these fields says something."""
    return lambda body, request: isinstance(body, dict) and not has(*fields)(body, request)


def names(field: str) -> Fields:
    """Tell bodies that have this field, whatever is in it."""
    return lambda body, request: isinstance(body, dict) and field in body


def always(body: Any, request: Request) -> bool:
    """Tell every body."""
    return True


def is_form(request: Request) -> bool:
    """Return whether a body is a form."""
    return bool(
        re.match(r"multipart/form-data|application/x-www-form-urlencoded", request.header("content-type") or "")
    )
