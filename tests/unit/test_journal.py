"""The journal: the last exchanges, oldest out, bodies cut."""

from soundstage.core.journal import BODY_LIMIT, CAPACITY, HEADER_LIMIT, Journal, cut_headers


def add(journal: Journal, universe: str = "u", body: bytes = b"", reply: bytes = b"") -> None:
    journal.add(1, 7, universe, "midsync", "quoteVideo", "POST", "/x?y", {"A": "b"}, body, 200, reply)


def ids(journal: Journal) -> list[int]:
    return [one.id for one in journal.newest()]


def test_the_newest_exchange_comes_first_and_numbers_never_repeat() -> None:
    journal = Journal()
    for _ in range(3):
        add(journal)
    assert ids(journal) == [3, 2, 1]
    journal.clear()
    assert ids(journal) == []
    add(journal)
    assert ids(journal) == [4]


def test_a_full_journal_drops_the_oldest() -> None:
    journal = Journal(capacity=2)
    for _ in range(5):
        add(journal)
    assert ids(journal) == [5, 4]
    journal.clear("another")
    add(journal)
    assert ids(journal) == [6, 5]


def test_an_exchange_is_kept_as_it_was() -> None:
    journal = Journal()
    add(journal, body=b"in", reply=b"out")
    (one,) = journal.newest()
    assert one[:11] == (1, 1, "u", "midsync", "quoteVideo", "POST", "/x?y", {"A": "b"}, b"in", 200, b"out")
    assert one.reply_headers == {}
    assert one.wall == 7


def test_the_headers_of_a_reply_are_kept() -> None:
    journal = Journal()
    journal.add(1, 7, "u", "midsync", "quoteVideo", "POST", "/x", {}, b"", 429, b"", {"Retry-After": "3"})
    (one,) = journal.newest()
    assert one.reply_headers == {"Retry-After": "3"}


def test_a_reply_that_did_not_arrive_has_no_status() -> None:
    journal = Journal()
    for _ in range(3):
        add(journal)
    journal.lost(2)
    journal.lost(9)
    assert [(one.id, one.status) for one in journal.newest()] == [(3, 200), (2, 0), (1, 200)]


def test_whoever_listens_is_told_of_every_exchange_and_of_every_reply_that_got_lost() -> None:
    journal = Journal()
    heard: list[int] = []
    journal.listeners += [heard.append, lambda number: heard.append(-number)]
    add(journal)
    add(journal)
    journal.lost(1)
    journal.lost(9)
    assert heard == [1, -1, 2, -2, 1, -1]


def test_bodies_are_cut_at_the_limit() -> None:
    journal = Journal()
    add(journal, body=b"x" * (BODY_LIMIT + 1), reply=b"y" * BODY_LIMIT)
    (one,) = journal.newest()
    assert (one.body, one.reply) == (b"x" * BODY_LIMIT, b"y" * BODY_LIMIT)


def test_clearing_one_universe_leaves_the_others_in_order() -> None:
    journal = Journal()
    for universe in ("a", "b", "a", "c"):
        add(journal, universe)
    journal.clear("a")
    assert [one.universe for one in journal.newest()] == ["c", "b"]


def test_a_journal_keeps_a_thousand() -> None:
    journal = Journal()
    for _ in range(CAPACITY + 1):
        add(journal)
    assert ids(journal)[-1] == 2
    assert len(ids(journal)) == CAPACITY == 1000


def test_headers_are_cut_at_the_limit_and_usual_ones_not_even_copied() -> None:
    usual = {"Content-Type": "x" * HEADER_LIMIT}
    assert cut_headers(usual) is usual
    assert cut_headers({}) == {}
    assert cut_headers({"A": "b", "Warning": "y" * (HEADER_LIMIT + 1)}) == {"A": "b", "Warning": "y" * HEADER_LIMIT}


def test_what_a_reply_took_is_written_down_when_it_has_left() -> None:
    journal = Journal()
    for _ in range(2):
        add(journal)
    journal.sent(1, 250)
    journal.sent(9, 1)
    assert [one.took for one in journal.newest()] == [0, 250]
