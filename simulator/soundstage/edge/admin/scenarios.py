"""The scenario in force in a universe: look at it, put another, end it; and the ones that come with the product."""

from typing import Any, Final

from soundstage.core.rules import Book, book_of, forget_counts, put_book
from soundstage.core.universe import the_universe
from soundstage.core.view import Tx
from soundstage.edge.admin.aims import aimed
from soundstage.edge.admin.context import AdminBody, AdminCall, AdminError, Answer, Route
from soundstage.edge.admin.faults import begin_with
from soundstage.faults.shown import rule_view
from soundstage.providers import Providers
from soundstage.scenarios import ScenarioError, descriptions, named, scenario_from, shipped

# A scenario may be aimed at any provider there is, whether or not this server was started with it.
_EVERY_PROVIDER: Final = Providers()


class NewScenario(AdminBody):
    """A shipped scenario's name alone, a whole document, or the name null to end what is in force."""

    name: str | None
    description: str | None = None
    faults: list[Any] | None = None


async def show(call: AdminCall) -> Answer:
    """Return the scenario in force, as a document that PUT takes; a list with each universe's when none is named."""
    shown = {universe: await call.world.run(universe, _shown) for universe in call.readable()}
    return 200, _answer(call, shown)


async def list_all(call: AdminCall) -> Answer:
    """List the scenarios that come with the product, and the one that new universes begin with."""
    opening = call.world.opening.faults
    found = [{"name": name, "description": text} for name, text in descriptions().items()]
    return 200, {"scenarios": found, "begin_with": None if opening is None else opening.scenario}


async def put_in_force(call: AdminCall) -> Answer:
    """Put a scenario in force instead of the one before; counts begin anew, and rules set by hand stay."""
    body = call.body
    book = await book_for(call, body["name"] if isinstance(body, dict) and body.keys() == {"name"} else body or {})
    put = {universe: await call.world.run(universe, lambda tx: _put(tx, book)) for universe in call.writable()}
    if call.universe == "*":
        # Last: what could not be done everywhere does not hold for universes to come.
        begin_with(call, staged(call.world.opening.faults, book) or Book())
    return 200, _answer(call, put)


def staged(before: Book | None, wanted: Book | None) -> Book | None:
    """Return rules with another scenario in force, or none; those that were set by hand stay."""
    old, new = before or Book(), wanted or Book()
    book = old._replace(scenario=new.scenario, about=new.about, staged=new.staged)
    return None if book == Book() else book


async def book_for(call: AdminCall, given: Any) -> Book | None:
    """Return the rules of a scenario given by name or as a document, and None for None; raises AdminError."""
    if given is None:
        return None
    opening = call.world.opening.faults
    try:
        if not isinstance(given, str):
            if isinstance(given, dict) and isinstance(given.get("faults"), list):
                given = {**given, "faults": await aimed(call, given["faults"])}
            return scenario_from(given, call.services.faults, _EVERY_PROVIDER).book()
        if opening is not None and opening.scenario == given and given not in shipped():
            return opening
        return named(given, call.services.faults, _EVERY_PROVIDER).book()
    except ScenarioError as error:
        hint = "GET /__admin/scenarios and GET /__admin/faults/catalogue list what there is"
        raise AdminError(400, "invalid_scenario", str(error), hint) from None


def _answer(call: AdminCall, shown: dict[str, dict[str, Any]]) -> Any:
    # Each says whose it is only in a list: alone it is a document that PUT takes.
    listed = [{"universe": universe, **one} if call.named is None else one for universe, one in shown.items()]
    return call.answer(listed)


def _shown(tx: Tx) -> dict[str, Any]:
    book = book_of(tx) or Book()
    if book.scenario is None:
        return {"name": None}
    rules = [{part: rule_view(rule)[part] for part in ("fault", "with", "when")} for rule in book.staged]
    return {"name": book.scenario, "description": book.about, "faults": rules}


def _put(tx: Tx, wanted: Book | None) -> dict[str, Any]:
    the_universe(tx)
    before = book_of(tx)
    if before is not None or wanted is not None:
        old, new = before or Book(), (wanted or Book()).set_at(tx.now)
        forget_counts(tx, (*old.staged, *new.staged))
        put_book(tx, staged(old, new) or Book())
    return _shown(tx)


ROUTES = (
    Route("GET", "/__admin/scenario", show, "Show the scenario in force"),
    Route("PUT", "/__admin/scenario", put_in_force, "Put a scenario in force, by name or as a document", NewScenario),
    Route("GET", "/__admin/scenarios", list_all, "List the scenarios that come with the product"),
)
