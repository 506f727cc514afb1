"""Copies of universes and of their files: what is shared, what is not, and that nothing falls due under one number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from soundstage.core import outbox
from soundstage.core.fork import become
from soundstage.core.money import MICROS
from soundstage.core.opening import Newcomer, enter, new_key
from soundstage.core.outbox import Attempt, Planned
from soundstage.core.rules import Aim, Book, Rule, book_of
from soundstage.core.store import Store
from soundstage.core.universe import Opening, open_universe
from soundstage.core.uploads import Upload, announce
from soundstage.core.view import Tx
from soundstage.core.wallet import the_wallet
from soundstage.providers import Providers
from soundstage.store.blobs import BlobStore
from soundstage.store.logged import LoggedStore
from soundstage.store.memory import MemoryStore
from unit.stage import MANUAL, Wall, a_key, finish, opened
from unit.test_blobs import has, put
from unit.test_store import BACKENDS, SharedLog, contents

LEADS_TO = {"task_id": "t", "provider": "midsync", "key_id": "k", "url": "https://app.example/hook"}


def an_upload(name: str, source: str | None) -> Upload:
    return Upload(name, "revidapi", "k", "k", "image", 0, 2**60, 1000, ("image/png",), source=source)


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    return BACKENDS[request.param](Wall())


@pytest.fixture
def blobs() -> Iterator[BlobStore]:
    made = BlobStore(most_bytes=1000, most_files=5)
    yield made
    made.close()


def fill(store: Store, universe: str, *keys: Any) -> None:
    """Open a universe and put a row per key, each in a step of its own."""
    finish(store.transact(universe, lambda tx: open_universe(tx, Opening(seed=1, credits=0, clock=MANUAL))))
    for key in keys:

        def step(tx: Tx, row: Any = key) -> None:
            tx.put("a", row, f"row {row}")
            tx.put("event", (tx.now, tx.serial()), row)

        finish(store.transact(universe, step))


def rows(store: Store, universe: str, table: str = "a") -> list[Any]:
    return finish(store.transact(universe, lambda tx: list(tx.scan(table))))


def nothing(tx: Tx) -> None:
    """Change nothing."""


def test_a_copy_has_the_rows_and_goes_its_own_way(store: Store) -> None:
    fill(store, "one", 1, 2)
    finish(store.copy("one", "two", lambda tx: tx.put("a", 3, "only here")))
    assert rows(store, "two") == [(1, "row 1"), (2, "row 2"), (3, "only here")]
    finish(store.transact("two", lambda tx: tx.delete("a", 1)))
    finish(store.transact("one", lambda tx: tx.put("a", 2, "changed")))
    assert rows(store, "one") == [(1, "row 1"), (2, "changed")]
    assert rows(store, "two") == [(2, "row 2"), (3, "only here")]
    assert sorted(store.universes()) == ["one", "two"]


def test_a_copy_replaces_what_was_there_and_is_told_of(store: Store) -> None:
    told: list[str] = []
    fill(store, "one", 1)
    fill(store, "two", 8, 9)
    store.listeners.append(lambda universe, view: told.append(universe))
    finish(store.copy("one", "two", nothing))
    assert rows(store, "two") == [(1, "row 1")]
    assert told == ["two"]


def test_nothing_is_copied_from_nowhere_or_by_a_step_that_raises(store: Store) -> None:
    with pytest.raises(KeyError):
        finish(store.copy("none", "two", nothing))
    fill(store, "one", 1)
    fill(store, "two", 2)

    def breaks(tx: Tx) -> None:
        tx.put("a", 1, "never")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish(store.copy("one", "two", breaks))
    assert (rows(store, "one"), rows(store, "two")) == ([(1, "row 1")], [(2, "row 2")])


def test_what_falls_due_in_a_copy_is_numbered_on_from_the_original(store: Store) -> None:
    fill(store, "one", *range(5))
    finish(store.copy("one", "two", nothing))
    finish(store.copy("two", "three", nothing))
    for universe in ("two", "three"):
        before = [key for key, _ in rows(store, universe, "event")]
        fill(store, universe, *range(5, 9))
        added = [key for key, _ in rows(store, universe, "event")][len(before) :]
        assert len(added) == 4
        assert min(added) > max(before)


def test_another_process_reads_a_copy_from_its_log() -> None:
    log = SharedLog()
    here, there = LoggedStore(log, Wall()), LoggedStore(log, Wall())
    fill(here, "one", 1, 2)
    finish(here.copy("one", "two", nothing))
    fill(there, "two", 3)
    fill(here, "two", 4)
    assert rows(there, "two") == rows(here, "two") == [(key, f"row {key}") for key in range(1, 5)]
    assert len(log.entries["two"]) == 5 - 2
    mine, theirs = here.peek("two"), there.peek("two")
    assert mine is not None
    assert theirs is not None
    assert contents(mine) == contents(theirs)
    assert mine.version == theirs.version


def test_copying_never_leaves_half_of_it_when_somebody_opens_the_target_meanwhile() -> None:
    log = SharedLog()
    here, there = LoggedStore(log, Wall()), LoggedStore(log, Wall())
    fill(here, "one", 1)

    def sneak() -> None:
        log.intrude = None
        fill(there, "two", 7)

    log.intrude = sneak
    finish(here.copy("one", "two", nothing))
    assert rows(here, "two") == rows(LoggedStore(log, Wall()), "two") == [(1, "row 1")]


def test_copies_make_room_like_any_other_universe() -> None:
    store = MemoryStore(Wall(), most_universes=10)
    fill(store, "one", 1)
    finish(store.transact("one", lambda tx: tx.delete("event", next(key for key, _ in tx.scan("event")))))
    for number in range(30):
        finish(store.copy("one", f"copy {number}", nothing))
        finish(store.transact("one", nothing))
    assert len(list(store.universes())) <= 10


def test_a_copy_s_outbox_holds_no_callback_and_every_file_that_was_still_being_fetched() -> None:
    tx = opened()
    url = "https://files.example/x.png"
    called = [outbox.schedule(tx, Planned("done", b"{}"), **LEADS_TO, copy=copy) for copy in range(3)]
    for one in called[:2]:
        assert one.due is not None
        outbox.claim(tx, one.due)
    outbox.answer(tx, called[0], Attempt(tx.now, 200, None, ()), "delivered", None)
    fetched, waiting = (announce(tx, an_upload(name, url)) for name in ("upl_1", "upl_2"))
    # The original is fetching this one, so its attempt is claimed.
    tx.delete("attempt", next(due for due, row in tx.scan("attempt") if row == fetched.id))
    announce(tx, an_upload("upl_3", None))
    become(tx, Providers(), {})
    states = [delivery.state for _, delivery in tx.scan("delivery")]
    assert states == ["delivered", "dropped", "dropped"]
    assert sorted(row for _, row in tx.scan("attempt")) == [fetched.id, waiting.id]


def test_a_newcomer_stands_for_its_provider_s_first_key_or_is_opened_with_its_rules() -> None:
    tx, providers = opened(), Providers()
    rule = Rule("r", "http/status", b"{}", Aim(), "its suffix")
    newcomers = {
        name: Newcomer(new_key(providers[name], "sk_test_of_a_copy", starts_with=7 * MICROS), (rule,))
        for name in ("midsync", "revidapi")
    }
    keys = become(tx, providers, newcomers)
    assert keys["midsync"] == replace(a_key(credits_=0), shown="sk_test…copy")
    assert keys["revidapi"] == newcomers["revidapi"].key
    assert the_wallet(tx, keys["revidapi"].wallet).available == 7 * MICROS
    assert book_of(tx) == Book(suffixes=(rule,))
    # A key that comes twice brings its rules once.
    assert enter(tx, providers["revidapi"], newcomers["revidapi"], Opening(seed=1, credits=0)) == keys["revidapi"]
    assert book_of(tx) == Book(suffixes=(rule,))


def test_the_copy_of_a_file_outlives_the_original(blobs: BlobStore) -> None:
    put(blobs, b"one")
    blobs.copy("u", "fork")
    blobs.forget("u")
    assert not has(blobs, b"one")
    assert has(blobs, b"one", "fork")
    blobs.forget("fork")
    assert not has(blobs, b"one", "fork")


def test_copied_files_replace_those_that_were_there_and_keep_the_bounds(blobs: BlobStore) -> None:
    put(blobs, b"old", "fork")
    for content in (b"a" * 300, b"b" * 300):
        put(blobs, content)
    blobs.copy("u", "fork")
    assert not has(blobs, b"old", "fork")
    assert has(blobs, b"a" * 300, "fork")
    # 900 of 1000 bytes are taken, and the original's files are not dropped to make room.
    assert not has(blobs, b"b" * 300, "fork")
    assert has(blobs, b"a" * 300)
    assert has(blobs, b"b" * 300)


def test_files_are_copied_where_there_are_no_hard_links(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*paths: Any) -> None:
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    put(blobs, b"one")
    blobs.copy("u", "fork")
    assert has(blobs, b"one", "fork")


def test_no_files_are_copied_where_there_are_none() -> None:
    empty = BlobStore()
    empty.copy("u", "fork")
    assert empty._folder is None
