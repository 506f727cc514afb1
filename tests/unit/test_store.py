"""The stores: one behaviour, whatever keeps the log; and what sharing a log adds."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soundstage.core.bent import Applied, Bent
from soundstage.core.call import BlobRef
from soundstage.core.clock import Clock
from soundstage.core.outbox import Attempt, Delivery
from soundstage.core.rules import Aim, Book, Rule
from soundstage.core.slots import SlotLimits, Slots, Waiting
from soundstage.core.store import Store
from soundstage.core.task import Task
from soundstage.core.timeline import Point, planned, replaced
from soundstage.core.universe import Key, Opening, Registered, Universe, open_universe, set_clock
from soundstage.core.uploads import Upload
from soundstage.core.usage import Use
from soundstage.core.view import ALL, GONE, Tx, View, Writes
from soundstage.core.wallet import Entry, Wallet
from soundstage.store import logged
from soundstage.store.codec import decode, encode
from soundstage.store.logged import ConflictError, LoggedStore
from soundstage.store.memory import MemoryStore
from unit.stage import MANUAL, WALL, Wall, a_key, finish


class SharedLog:
    """A log in lists, as several processes would share it; `intrude` runs before the next append is judged."""

    name = "shared"

    def __init__(self) -> None:
        self.entries: dict[str, list[bytes]] = {}
        self.intrude: Callable[[], None] | None = None

    async def since(self, universe_id: str, version: int) -> list[bytes]:
        return self.entries.get(universe_id, [])[version:]

    async def append(self, universe_id: str, version: int, entry: bytes) -> bool:
        if self.intrude is not None:
            self.intrude()
        kept = self.entries.setdefault(universe_id, [])
        if len(kept) != version - 1:
            return False
        kept.append(entry)
        return True

    async def drop(self, universe_id: str) -> None:
        self.entries.pop(universe_id, None)

    def names(self) -> Iterator[str]:
        return iter(list(self.entries))


BACKENDS: dict[str, Callable[[Wall], Store]] = {
    "memory": MemoryStore,
    "logged": lambda wall: LoggedStore(SharedLog(), wall),
}


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest, wall: Wall) -> Store:
    return BACKENDS[request.param](wall)


def put(store: Store, table: str, *keys: Any) -> None:
    """Put one row per key, named after it, in one step."""

    def step(tx: Tx) -> None:
        for key in keys:
            tx.put(table, key, f"row {key}")

    finish(store.transact("u", step))


def scanned(store: Store, table: str, *, newest_first: bool = False) -> list[tuple[Any, Any]]:
    return finish(store.transact("u", lambda tx: list(tx.scan(table, newest_first=newest_first))))


def keys(store: Store, table: str) -> list[Any]:
    return [key for key, _ in scanned(store, table)]


def contents(view: View) -> dict[str, list[tuple[Any, Any]]]:
    return {name: list(table.rows.items()) for name, table in view.tables.items() if table.rows}


def test_a_step_that_raises_leaves_nothing(store: Store) -> None:
    put(store, "a", 1)

    def breaks(tx: Tx) -> None:
        tx.put("a", 2, "row 2")
        tx.delete("a", 1)
        tx.clear("b")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish(store.transact("u", breaks))
    assert scanned(store, "a") == [(1, "row 1")]


def test_a_step_reads_its_own_writes(store: Store) -> None:
    put(store, "a", 1, 2)

    def step(tx: Tx) -> list[Any]:
        tx.put("a", 3, "new")
        tx.put("a", 1, "changed")
        tx.delete("a", 2)
        return [tx.get("a", 1), tx.get("a", 2), tx.get("a", 3), list(tx.scan("a"))]

    assert finish(store.transact("u", step)) == ["changed", None, "new", [(1, "changed"), (3, "new")]]


def test_universes_do_not_see_each_other(store: Store) -> None:
    put(store, "a", 1)
    assert finish(store.transact("other", lambda tx: tx.get("a", 1))) is None
    assert list(store.universes()) == ["u"]


def test_a_forgotten_universe_is_empty_again(store: Store) -> None:
    put(store, "a", 1)
    finish(store.forget("u"))
    assert list(store.universes()) == []
    assert scanned(store, "a") == []


def test_rows_keep_the_order_they_came_in_and_an_update_keeps_its_place(store: Store) -> None:
    put(store, "a", 3, 1, 2)
    finish(store.transact("u", lambda tx: tx.put("a", 3, "changed")))
    assert scanned(store, "a") == [(3, "changed"), (1, "row 1"), (2, "row 2")]


def test_newest_first_is_the_same_order_backwards_with_own_writes_included(store: Store) -> None:
    put(store, "a", 3, 1, 2)

    def step(tx: Tx) -> list[Any]:
        tx.put("a", 9, "row 9")
        return [key for key, _ in tx.scan("a", newest_first=True)]

    assert finish(store.transact("u", step)) == [9, 2, 1, 3]
    assert [key for key, _ in scanned(store, "a", newest_first=True)] == [9, 2, 1, 3]


def test_first_is_the_smallest_key_through_every_put_and_delete(store: Store) -> None:
    def first() -> Any:
        return finish(store.transact("u", lambda tx: tx.first("event")))

    def delete(key: tuple[int, int]) -> None:
        finish(store.transact("u", lambda tx: tx.delete("event", key)))

    assert first() is None
    put(store, "event", (50, 1), (30, 2), (30, 1))
    assert first() == (30, 1)
    put(store, "event", (10, 9))
    assert first() == (10, 9)
    delete((10, 9))
    delete((30, 1))
    assert first() == (30, 2)
    put(store, "event", (30, 1))
    assert first() == (30, 1)
    for key in ((30, 1), (30, 2), (50, 1)):
        delete(key)
    assert first() is None


def test_clear_empties_a_table_and_rows_put_afterwards_stay(store: Store) -> None:
    put(store, "a", 1, 2)
    put(store, "b", 1)
    assert finish(store.transact("u", lambda tx: tx.first("a"))) == 1

    def step(tx: Tx) -> list[Any]:
        tx.put("a", 5, "lost")
        tx.clear("a")
        before = list(tx.scan("a"))
        tx.put("a", 2, "again")
        return [before, tx.get("a", 1), tx.get("a", 5), tx.get("a", 2), [key for key, _ in tx.scan("a")]]

    assert finish(store.transact("u", step)) == [[], None, None, "again", [2]]
    assert scanned(store, "a") == [(2, "again")]
    assert keys(store, "b") == [1]
    assert finish(store.transact("u", lambda tx: tx.first("a"))) == 2


def test_clearing_twice_in_one_step_clears(store: Store) -> None:
    put(store, "a", 1)

    def step(tx: Tx) -> None:
        tx.clear("a")
        tx.put("a", 2, "between")
        tx.clear("a")

    finish(store.transact("u", step))
    assert scanned(store, "a") == []


def test_count_is_the_number_of_rows_when_the_step_began(store: Store) -> None:
    put(store, "a", 1, 2)

    def step(tx: Tx) -> int:
        tx.put("a", 3, "row 3")
        return tx.count("a")

    assert finish(store.transact("u", step)) == 2
    assert finish(store.transact("u", lambda tx: tx.count("a"))) == 3
    assert finish(store.transact("u", lambda tx: tx.count("nothing"))) == 0


def test_oldest_gives_the_first_keys_that_are_still_there(store: Store) -> None:
    put(store, "a", 4, 3, 2, 1)

    def oldest(most: int) -> list[Any]:
        return finish(store.transact("u", lambda tx: list(tx.oldest("a", most))))

    assert oldest(2) == [4, 3]
    finish(store.transact("u", lambda tx: tx.delete("a", 4)))
    put(store, "a", 0)
    assert oldest(10) == [3, 2, 1, 0]


@pytest.mark.parametrize("table", ["a", None])
def test_now_never_goes_back_when_the_machine_clock_does(store: Store, wall: Wall, table: str | None) -> None:
    put(store, "a", 0)
    wall.now += 500
    if table is None:
        assert finish(store.transact("u", lambda tx: tx.now)) == WALL + 500
    else:
        put(store, table, 1)
    wall.now -= 400
    assert finish(store.transact("u", lambda tx: tx.now)) == WALL + 500


def test_a_look_before_the_opening_does_not_spoil_a_manual_clock(store: Store, wall: Wall) -> None:
    assert finish(store.transact("u", lambda tx: tx.now)) == wall.now
    finish(store.transact("u", lambda tx: open_universe(tx, Opening(seed=1, credits=0, clock=MANUAL)).seed))
    assert finish(store.transact("u", lambda tx: tx.now)) == MANUAL.at < wall.now


def test_now_is_the_universes_own_time(store: Store, wall: Wall) -> None:
    def step(tx: Tx) -> None:
        open_universe(tx, Opening(seed=1, credits=0, clock=Clock(offset_ms=70)))

    finish(store.transact("u", step))
    assert finish(store.transact("u", lambda tx: (tx.now, tx.wall))) == (wall.now + 70, wall.now)


def test_the_version_grows_by_one_for_a_write_and_not_for_a_read(store: Store) -> None:
    def version() -> int:
        view = store.peek("u")
        assert view is not None
        return view.version

    put(store, "a", 1, 2, 3)
    assert version() == 1
    scanned(store, "a")
    assert version() == 1
    put(store, "a", 1)
    assert version() == 2


def test_on_commit_is_called_after_writes_only_and_sees_them(store: Store) -> None:
    heard: list[tuple[str, Any]] = []
    store.listeners.append(lambda universe_id, view: heard.append((universe_id, view.get("a", 1))))
    scanned(store, "a")

    def breaks(tx: Tx) -> None:
        tx.put("a", 1, "lost")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        finish(store.transact("u", breaks))
    assert heard == []
    put(store, "a", 1)
    assert heard == [("u", "row 1")]


def test_a_full_memory_store_drops_what_was_idle_longest_and_never_what_awaits_something() -> None:
    wall = Wall()
    store = MemoryStore(wall, most_universes=5)
    listed = Registered("key_1", "midsync", "mine", "…", created_at=1)
    finish(store.transact("directory", lambda tx: tx.put("registered", "midsync:1", listed)))
    for name, table in (("mine", "a"), ("busy", "event"), ("old", "a"), ("young", "a")):
        wall.now += 1
        finish(store.transact(name, lambda tx, table=table: tx.put(table, (1, 1), "row")))  # type: ignore[misc]
    finish(store.transact("new", lambda tx: tx.put("a", 1, "row")))
    assert sorted(store.universes()) == ["busy", "directory", "mine", "new", "young"]


# --- one log, several processes -------------------------------------------------------------------------------------


def two() -> tuple[SharedLog, LoggedStore, LoggedStore]:
    log, wall = SharedLog(), Wall()
    return log, LoggedStore(log, wall), LoggedStore(log, wall)


def count_up(tx: Tx) -> int:
    number: int = (tx.get("a", "count") or 0) + 1
    tx.put("a", "count", number)
    return number


def test_what_one_process_writes_the_other_reads_next() -> None:
    _, here, there = two()
    put(here, "a", 1)
    assert scanned(there, "a") == [(1, "row 1")]
    put(there, "a", 2)
    assert keys(here, "a") == [1, 2]


def test_after_a_conflict_the_step_runs_again_on_a_fresh_view_and_both_writes_survive() -> None:
    log, here, there = two()
    finish(here.transact("u", count_up))
    runs: list[int] = []

    def sneak() -> None:
        log.intrude = None
        finish(there.transact("u", count_up))

    def step(tx: Tx) -> int:
        runs.append(tx.get("a", "count"))
        return count_up(tx)

    log.intrude = sneak
    assert finish(here.transact("u", step)) == 3
    assert runs == [1, 2]
    assert scanned(here, "a") == scanned(there, "a") == [("count", 3)]
    assert len(log.entries["u"]) == 3


async def test_steps_of_one_process_that_wait_for_the_log_at_once_all_count() -> None:
    class SlowLog(SharedLog):
        async def since(self, universe_id: str, version: int) -> list[bytes]:
            found = await super().since(universe_id, version)
            await asyncio.sleep(0)
            return found

        async def append(self, universe_id: str, version: int, entry: bytes) -> bool:
            await asyncio.sleep(0)
            done = await super().append(universe_id, version, entry)
            await asyncio.sleep(0)
            return done

    log = SlowLog()
    here, there = LoggedStore(log, Wall()), LoggedStore(log, Wall())
    counts = await asyncio.gather(*((here, there)[number % 2].transact("u", count_up) for number in range(40)))
    assert sorted(counts) == list(range(1, 41))
    assert await here.transact("u", lambda tx: tx.get("a", "count")) == 40


def test_endless_conflicts_end_in_an_error_and_write_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logged, "MOST_TRIES", 5)
    log, here, _ = two()
    put(here, "a", 1)
    noise = log.entries["u"][0]
    log.intrude = lambda: log.entries["u"].append(noise)
    with pytest.raises(ConflictError, match="u: other writers were first 5 times"):
        put(here, "a", 2)
    log.intrude = None
    assert keys(here, "a") == [1]


def test_a_fresh_process_rebuilds_the_same_universe_from_the_log() -> None:
    log, here, there = two()
    for number in range(20):
        put(here if number % 3 else there, "a", number, (number, 1))
    finish(here.transact("u", lambda tx: tx.delete("a", 4)))
    finish(there.transact("u", lambda tx: tx.clear("a") if tx.get("a", 4) else tx.put("a", 5, "changed")))
    assert keys(here, "a") == keys(there, "a")
    fresh = LoggedStore(log, Wall(WALL - 10_000))
    assert finish(fresh.transact("u", lambda tx: tx.now)) == WALL
    old, new = here.peek("u"), fresh.peek("u")
    assert old is not None
    assert new is not None
    assert contents(old) == contents(new)
    assert (old.version, old.last_now) == (new.version, new.last_now)


def test_a_clock_moved_by_one_process_is_moved_for_the_other() -> None:
    _, here, there = two()

    def step(tx: Tx) -> None:
        open_universe(tx, Opening(seed=1, credits=0, clock=MANUAL))

    finish(here.transact("u", step))
    finish(there.transact("u", lambda tx: set_clock(tx, MANUAL.moved_to(MANUAL.at + 99, tx.wall))))
    assert finish(here.transact("u", lambda tx: tx.now)) == MANUAL.at + 99


# --- the codec ------------------------------------------------------------------------------------------------------

_TIMELINE = replaced(planned(10, 100, "succeeded"), 40, planned(0, 1, "failed")[-1])
_ATTEMPT = Attempt(7, 503, "“no”", (("webhook-id", "evt_1"), ("x", "")))
_URL = "http://127.0.0.1:9/hook"
_APPLIED = Applied("http/status", b'{"status":503}', "rule_1")
_RULE = Rule("rule_1", "http/status", b"{}", Aim(keys=("k",), fields=(("a.b", 1.5), ("c", None)), nth=2), "rule_1", 7)
RECORDS = [
    _RULE.aim,
    _APPLIED,
    Bent((_APPLIED,), (Point(0, "running", 0),), "late", 5),
    Book((_RULE,), "lost-create", "about", (_RULE,)),
    _RULE,
    _ATTEMPT,
    Clock("scaled", 12.5, -3, 9),
    Delivery(
        "d",
        "e",
        "video.completed",
        "t",
        "midsync",
        "k",
        _URL,
        b"\x00\xff{}",
        "pending",
        1,
        (5, 2),
        (_ATTEMPT,),
        3,
        (_APPLIED,),
    ),
    Delivery("d", "e", "video.failed", "t", "midsync", "k", _URL, b"", "exhausted", 1, None),
    Entry("w", "issue", 1, -5, "top-up"),
    a_key(callback_url=_URL),
    Key(
        "k",
        "midsync",
        "a",
        "w",
        "…",
        "s",
        frozenset({"b", "a"}),
        None,
        "",
        "own",
        frozenset(),
        ("::1",),
        limits=(("a", 1),),
    ),
    Use("p", "w", "k", "m", "t", 1, 2, 3, (4, 5, 6), None),
    Point(5, "running", 50),
    Registered("k", "midsync", "u", "…", True, 4),
    Task("t", "midsync", "o", "video", "m", "k", "w", b'{"a":1}', 1, 2, 3, "succeeded", None, ("reserve", 1, 5)),
    Task("t", "p", "o", "v", "m", "k", "w", b"", 1, 2, 3, "failed", "x", (), _URL, "d", (9, 1), _TIMELINE),
    Task("t", "p", "o", "v", "m", "k", "w", b"", 1, 2, 3, "failed", None, (), cost=4, slot="video", queued=True),
    SlotLimits(5, (("image", 3),), 3),
    Slots((("image", 2),), (Waiting("t", "image", SlotLimits(5, (("image", 3),), 3)),)),
    Waiting("t", "image", SlotLimits(5, (("image", 3),), 3)),
    Upload("up_1", "p", "k", "a", "image", 1, 2, 3, ("image/png",), blob=BlobRef(4, "image/png", "ab", 1.5)),
    BlobRef(4, None, "ab"),
    Universe("u", "name", 2**64, Clock("manual"), 3),
    Wallet("w", "midsync", "k", 9, 4, 3, 2),
]


def in_order(writes: Writes) -> list[tuple[str, list[tuple[Any, Any]]]]:
    """Return writes as lists: equal dicts may differ in order, and a table's order is part of a universe."""
    return [(table, list(rows.items())) for table, rows in writes.items()]


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_record_comes_back_from_the_log_as_it_went_in(record: Any) -> None:
    written: Writes = {"table": {"key": record}, "event": {(3, 1): "t"}}
    writes, now = decode(encode(written, 42))
    assert (in_order(writes), now) == (in_order(written), 42)
    back = writes["table"]["key"]
    assert type(back) is type(record)
    if isinstance(back, Task) and back.replaced is not None:
        assert back.ends_at == record.ends_at
        assert back.replaced[0].state == "waiting"


def test_every_record_type_the_codec_knows_is_tried_here() -> None:
    from soundstage.store.codec import _RECORDS

    assert set(_RECORDS) == {type(record).__name__ for record in RECORDS}


def test_a_deletion_comes_back_as_a_deletion() -> None:
    assert decode(encode({"a": {1: GONE}}, 0))[0]["a"][1] is GONE


def test_an_emptied_table_comes_back_emptied_with_the_rows_put_since() -> None:
    writes, _ = decode(encode({"a": {ALL: GONE, 1: "new"}}, 0))
    assert in_order(writes) == [("a", [(ALL, GONE), (1, "new")])]
    view = View()
    view.apply({"a": {0: "old", 1: "old"}}, 0)
    view.apply(writes, 0)
    assert view.tables["a"].rows == {1: "new"}


_atoms = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.frozensets(st.text())
_values = st.recursive(_atoms, lambda inner: st.lists(inner, max_size=4).map(tuple), max_leaves=12)
_keys = st.text() | st.integers() | st.tuples(st.integers(), st.integers())


@given(st.dictionaries(st.text(), st.dictionaries(_keys, _values, max_size=5), max_size=5), st.integers())
def test_plain_values_come_back_from_the_log_as_they_went_in(writes: Writes, now: int) -> None:
    back, then = decode(encode(writes, now))
    assert (in_order(back), then) == (in_order(writes), now)
