"""Fault rules of a universe: list, set, remove; and the catalogue of what can go wrong.

A rule that is set for every universe holds for those that open later as well, under the same id.
"""

import re
from dataclasses import replace
from typing import Any, Final

from soundstage.core.rules import Book, Rule, book_of, counts_of, put_book
from soundstage.core.universe import the_universe
from soundstage.core.view import Tx
from soundstage.edge.admin.aims import aimed
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.faults.catalogue import entries
from soundstage.faults.magic import SUFFIXES, TOKENS
from soundstage.faults.rule import RuleBody, rule_from
from soundstage.faults.shown import rule_view

_MOST_RULES: Final = 200
_NUMBERED: Final = re.compile(r"rule_([0-9]+)")


class NewRule(RuleBody, AdminBody):
    """A fault, its own parameters and its aim."""


async def show(call: AdminCall) -> Answer:
    """List a universe's rules in the order in which they act, with how often each matched and acted."""
    shown = [await call.world.run(universe, _shown) for universe in call.readable()]
    return 200, call.answer(shown)


async def add(call: AdminCall) -> Answer:
    """Set a rule; it acts from now on, before those set earlier. For every universe: in those to come as well."""
    call.read(NewRule)
    (body,) = await aimed(call, [call.body])
    wanted = replace(call, body=body).read(NewRule)
    try:
        rule = rule_from(wanted, call.services.faults, call.world.providers, name="", origin="a rule")
    except ValueError as error:
        raise AdminError(400, "invalid_rule", str(error), "GET /__admin/faults/catalogue lists the faults") from None
    universes, least = call.writable(), 1
    if call.universe == "*":
        # Nothing is set before it is known that there is room everywhere, and which number is free everywhere.
        numbers = [await call.world.run(universe, _free_number) for universe in universes]
        least = max([*numbers, _free_of(call.world.opening.faults or Book())])
    added = [await call.world.run(universe, lambda tx: _add(tx, rule, least)) for universe in universes]
    if call.universe == "*":
        book = call.world.opening.faults or Book()
        begin_with(call, book._replace(rules=(_numbered(rule, least), *book.rules)))
    return 201, call.answer(added)


async def remove(call: AdminCall) -> Answer:
    """Remove one rule that was set by hand."""
    wanted = call.params["id"]
    removed = [await call.world.run(universe, lambda tx: _remove(tx, wanted)) for universe in call.writable()]
    if call.universe == "*":
        book = call.world.opening.faults or Book()
        removed.append(begin_with(call, _without(book, wanted)))
    if not any(removed):
        raise AdminError(404, "no_such_rule", f"there is no rule {wanted[:60]!r}", "GET /__admin/faults lists them")
    return 204, None


async def clear(call: AdminCall) -> Answer:
    """Remove every rule that was set by hand; a scenario stays in force."""
    for universe in call.writable():
        await call.world.run(universe, lambda tx: _remove(tx, None))
    if call.universe == "*":
        begin_with(call, _without(call.world.opening.faults or Book(), None))
    return 204, None


async def catalogue(call: AdminCall) -> Answer:
    """List every fault with its parameters, and every magic input."""
    magic = [{"input": one.shown, "says": one.says, "fault": one.fault} for one in (*TOKENS, *SUFFIXES)]
    return 200, {"faults": entries(call.services.faults), "magic": magic}


def _shown(tx: Tx) -> dict[str, Any]:
    book = book_of(tx) or Book()
    rules = [rule_view(rule, counts_of(tx, rule)) for rule in book.all()]
    return {"universe": tx.universe_id, "scenario": book.scenario, "rules": rules}


def _free_of(book: Book) -> int:
    """Return the number after the last rule's; raises AdminError where there is no room for another."""
    if len(book.rules) >= _MOST_RULES:
        raise AdminError(409, "too_many_rules", f"a universe has at most {_MOST_RULES} rules", "remove some first")
    return 1 + max((int(found[1]) for rule in book.rules if (found := _NUMBERED.fullmatch(rule.id))), default=0)


def _free_number(tx: Tx) -> int:
    # One that was removed keeps its number, and one that the universe began with has it from elsewhere.
    return max((tx.get("meta", "rules") or 0) + 1, _free_of(book_of(tx) or Book()))


def _numbered(rule: Rule, number: int) -> Rule:
    return rule._replace(id=f"rule_{number}", origin=f"rule_{number}")


def _add(tx: Tx, rule: Rule, least: int) -> dict[str, Any]:
    the_universe(tx)
    number = max(least, _free_number(tx))
    book, named = book_of(tx) or Book(), _numbered(rule, number)._replace(set_at=tx.now)
    tx.put("meta", "rules", number)
    put_book(tx, book._replace(rules=(named, *book.rules)))
    return rule_view(named)


def _without(book: Book, rule_id: str | None) -> Book:
    """Return the rules without one of those set by hand, or without all of them."""
    return book._replace(rules=tuple(rule for rule in book.rules if rule_id is not None and rule.id != rule_id))


def _remove(tx: Tx, rule_id: str | None) -> bool:
    book = book_of(tx) or Book()
    left = _without(book, rule_id)
    if left != book:
        put_book(tx, left)
    return left != book


def begin_with(call: AdminCall, book: Book) -> bool:
    """Let universes to come begin with these rules; tell whether that is a change."""
    opening = call.world.opening
    changed = book != (opening.faults or Book())
    if changed:
        call.world.opening = replace(opening, faults=None if book == Book() else book)
    return changed


ROUTES = (
    Route("GET", "/__admin/faults", show, "List fault rules"),
    Route("POST", "/__admin/faults", add, "Set a fault rule", NewRule, 201),
    Route("DELETE", "/__admin/faults", clear, "Remove the rules set by hand", status=204),
    Route("DELETE", "/__admin/faults/{id}", remove, "Remove one rule", status=204),
    Route("GET", "/__admin/faults/catalogue", catalogue, "List what can go wrong"),
)
