"""What becomes of a universe that is copied: the copy is one of its own, and no receiver is called back twice."""

from collections.abc import Mapping
from dataclasses import replace

from soundstage.core.opening import Newcomer, open_new
from soundstage.core.provider import Provider
from soundstage.core.universe import Key, the_universe
from soundstage.core.view import Tx


def first_keys(tx: Tx, providers: Mapping[str, Provider]) -> dict[str, Key]:
    """Return the first key that each provider has in a universe, by provider."""
    found: dict[str, Key] = {}
    for _, key in tx.scan("key"):
        if key.provider in providers:
            found.setdefault(key.provider, key)
    return found


def become(tx: Tx, providers: Mapping[str, Provider], newcomers: Mapping[str, Newcomer]) -> dict[str, Key]:
    """Turn a copy into a universe of its own and return which key each newcomer, by provider, stands for in it.

    That is the first key its provider has in the original, with all that is the key's; or the newcomer itself, opened.
    """
    tx.put("meta", "universe", replace(the_universe(tx), id=tx.universe_id))
    _leave_outbox(tx)
    found = first_keys(tx, providers)
    for name, newcomer in newcomers.items():
        if name in found:
            found[name] = replace(found[name], shown=newcomer.key.shown)
            tx.put("key", found[name].id, found[name])
        else:
            found[name] = open_new(tx, providers[name], newcomer)
    return found


def _leave_outbox(tx: Tx) -> None:
    """Leave callbacks under way to the original; files that were still being fetched are fetched here as well."""
    fetching = set()
    for due, row_id in list(tx.scan("attempt")):
        if tx.get("delivery", str(row_id)) is None:
            fetching.add(row_id)
        else:
            tx.delete("attempt", due)
    for row_id, delivery in list(tx.scan("delivery")):
        if delivery.state in {"pending", "in_flight"}:
            tx.put("delivery", row_id, replace(delivery, state="dropped", due=None))
    for row_id, upload in list(tx.scan("upload")):
        if upload.source is not None and upload.state(tx.now) == "processing" and row_id not in fetching:
            tx.put("attempt", (tx.now, tx.serial()), row_id)
