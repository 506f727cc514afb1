"""Opens keys: with starting credits, a budget taken from a user, a history to look back on, faults of their own."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from soundstage.core.provider import Provider
from soundstage.core.randomness import fingerprint
from soundstage.core.rules import Book, Rule, book_of, put_book
from soundstage.core.signing import webhook_secret
from soundstage.core.universe import Key, Opening, find_key, key_id_of, open_key, open_universe, shortened
from soundstage.core.view import Tx
from soundstage.core.wallet import issue, the_wallet


class Newcomer(NamedTuple):
    """A key as it is when it is opened, and the fault rules that it brings into its universe."""

    key: Key
    rules: tuple[Rule, ...] = ()


def new_key(provider: Provider, key_text: str, *, starts_with: int, history: int = 0, key_id: str | None = None) -> Key:
    """Return a key with an account of its own, which `starts_with` so many micros; its id follows from its text.

    Its webhook secret is the same at every start of a server, so that a receiver can be set up once.
    """
    write = webhook_secret if provider.callback is None else provider.callback.secret
    name = key_id or key_id_of(provider.id, key_text)
    return Key(
        id=name,
        provider=provider.id,
        account=name,
        wallet=name,
        shown=shortened(key_text),
        secret=write(fingerprint("webhook secret", provider.id, key_text)),
        credits=starts_with,
        history=history,
    )


def enter(tx: Tx, provider: Provider, newcomer: Newcomer, opening: Opening) -> Key:
    """Return a key inside its universe, both opened now if this is their first use."""
    key = find_key(tx, newcomer.key.id)
    if key is not None:
        return key
    open_universe(tx, opening)
    return open_new(tx, provider, newcomer)


def open_new(tx: Tx, provider: Provider, newcomer: Newcomer) -> Key:
    """Open a key that is not there; raises LedgerError when its user cannot pay its budget."""
    key = newcomer.key
    _take_budget(tx, key, key.credits)
    open_key(tx, key)
    if key.history and provider.history is not None:
        provider.history(tx, key, key.history)
    _bring(tx, newcomer.rules)
    return key


def change(tx: Tx, key: Key, *, keep_balance: bool) -> None:
    """Give an open key other settings and, unless it keeps its balance, a balance of `key.credits`.

    Raises LedgerError when a budget is to grow by more than its user has.
    """
    if keep_balance:
        known = find_key(tx, key.id) or key
        tx.put("key", key.id, replace(key, credits=known.credits))
        return
    tx.put("key", key.id, key)
    more = key.credits - the_wallet(tx, key.wallet).available
    _take_budget(tx, key, more)
    issue(tx, key.wallet, more, note="registered")


def reopen(tx: Tx, provider: Provider, key: Key) -> None:
    """Open a key of a universe that starts over; a budget its user cannot pay any more is cut to what there is."""
    if key.kind == "budgeted":
        key = replace(key, credits=min(key.credits, the_wallet(tx, key.account).available))
    open_new(tx, provider, Newcomer(key))


def _take_budget(tx: Tx, key: Key, micros: int) -> None:
    if key.kind == "budgeted":
        issue(tx, key.account, -micros, note=f"budget of {key.shown}")


def _bring(tx: Tx, rules: Iterable[Rule]) -> None:
    brought = tuple(rules)
    if brought:
        book, ids = book_of(tx) or Book(), {one.id for one in brought}
        others = tuple(rule for rule in book.suffixes if rule.id not in ids)
        put_book(tx, book._replace(suffixes=(*others, *brought)))
