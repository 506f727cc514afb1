"""Fault rules of a universe: list, set, remove; and the catalogue of what can go wrong."""

from typing import Any

from soundstage.core.rules import Book, Rule, book_of
from soundstage.core.universe import the_universe
from soundstage.core.view import Tx
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.faults.catalogue import entries
from soundstage.faults.magic import SUFFIXES, TOKENS
from soundstage.faults.rule import RuleBody, rule_from, rule_view

_MOST_RULES = 200


class NewRule(RuleBody, AdminBody):
    """A fault, its own parameters and its aim."""


async def show(call: AdminCall) -> Answer:
    """List a universe's rules in the order in which they act, with how often each matched and acted."""
    shown = [await call.world.run(universe, _shown) for universe in call.readable()]
    return 200, call.answer(shown)


async def add(call: AdminCall) -> Answer:
    """Set a rule; it acts from now on, before those set earlier."""
    wanted = call.read(NewRule)
    try:
        rule = rule_from(wanted, call.services.faults, call.world.providers, name="", origin="a rule")
    except ValueError as error:
        raise AdminError(400, "invalid_rule", str(error), "GET /__admin/faults/catalogue lists the faults") from None
    added = [await call.world.run(universe, lambda tx: _add(tx, rule)) for universe in call.writable()]
    return 201, call.answer(added)


async def remove(call: AdminCall) -> Answer:
    """Remove one rule that was set by hand."""
    wanted = call.params["id"]
    removed = [await call.world.run(universe, lambda tx: _remove(tx, wanted)) for universe in call.writable()]
    if not any(removed):
        raise AdminError(404, "no_such_rule", f"there is no rule {wanted[:60]!r}", "GET /__admin/faults lists them")
    return 204, None


async def clear(call: AdminCall) -> Answer:
    """Remove every rule that was set by hand; a scenario stays in force."""
    for universe in call.writable():
        await call.world.run(universe, lambda tx: _remove(tx, None))
    return 204, None


async def catalogue(call: AdminCall) -> Answer:
    """List every fault with its parameters, and every magic input."""
    magic = [{"input": one.shown, "says": one.says, "fault": one.fault} for one in (*TOKENS, *SUFFIXES)]
    return 200, {"faults": entries(call.services.faults), "magic": magic}


def _shown(tx: Tx) -> dict[str, Any]:
    book = book_of(tx) or Book()
    rules = [rule_view(rule, tx.get("aimed", rule.id) or (0, 0)) for rule in book.all()]
    return {"universe": tx.universe_id, "scenario": book.scenario, "rules": rules}


def _add(tx: Tx, rule: Rule) -> dict[str, Any]:
    the_universe(tx)
    book = book_of(tx) or Book()
    if len(book.rules) >= _MOST_RULES:
        raise AdminError(409, "too_many_rules", f"a universe has at most {_MOST_RULES} rules", "remove some first")
    number: int = (tx.get("meta", "rules") or 0) + 1
    named = rule._replace(id=f"rule_{number}", origin=f"rule_{number}", set_at=tx.now)
    tx.put("meta", "rules", number)
    tx.put("meta", "faults", book._replace(rules=(named, *book.rules)))
    return rule_view(named)


def _remove(tx: Tx, rule_id: str | None) -> bool:
    book = book_of(tx) or Book()
    left = tuple(rule for rule in book.rules if rule_id is not None and rule.id != rule_id)
    if left == book.rules:
        return False
    tx.put("meta", "faults", book._replace(rules=left))
    return True


ROUTES = (
    Route("GET", "/__admin/faults", show, "List fault rules"),
    Route("POST", "/__admin/faults", add, "Set a fault rule", NewRule, 201),
    Route("DELETE", "/__admin/faults", clear, "Remove the rules set by hand", status=204),
    Route("DELETE", "/__admin/faults/{id}", remove, "Remove one rule", status=204),
    Route("GET", "/__admin/faults/catalogue", catalogue, "List what can go wrong"),
)
