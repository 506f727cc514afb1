"""What must be true of a universe at any moment, recomputed from its rows and told in sentences when it is not."""

from collections import defaultdict
from itertools import chain, pairwise

from soundstage.core.bent import bent_of
from soundstage.core.task import Task
from soundstage.core.timeline import TERMINAL
from soundstage.core.universe import the_key
from soundstage.core.view import Tx
from soundstage.core.wallet import Movements, Wallet, held, listed, spent, total


def violations(tx: Tx) -> list[str]:
    """Return one sentence per broken invariant: conservation, no negative sum, one end per task, time forward.

    Credits of an ended task are held only where a fault delays their refund, and then that refund is due.
    """
    issued: dict[str, int] = defaultdict(int)
    holding: dict[str, int] = defaultdict(int)
    paid: dict[str, int] = defaultdict(int)
    found: list[str] = []
    for _, entry in tx.scan("entry"):
        (issued if entry.kind == "issue" else paid)[entry.wallet] += entry.amount
    for _, row in chain(tx.scan("task"), tx.scan("use")):
        holding[row.wallet] += held(row.movements)
        paid[row.wallet] += spent(row.movements)
        found += _of_movements(row.id, row.movements)
    for _, task in tx.scan("task"):
        found += _of_end(tx, task)
    found += _of_slots(tx)
    for _, wallet in tx.scan("wallet"):
        found += _of_wallet(wallet, (issued[wallet.id], holding[wallet.id], paid[wallet.id]))
    return found


def _of_end(tx: Tx, task: Task) -> list[str]:
    """Compare where a task stands with what is still to come of it."""
    found = []
    if task.due is not None and tx.get("event", task.due) != task.id:
        found.append(f"task {task.id} is due at {task.due[0]}, and nothing will happen then")
    if task.state(tx.now) not in TERMINAL:
        return found
    bent = bent_of(tx, task.id)
    late = bent is not None and bent.refund == "due"
    if task.due is None and held(task.movements):
        found.append(f"task {task.id} has ended and still holds {held(task.movements)} micros")
    if task.due is not None and not (late and held(task.movements)):
        found.append(f"task {task.id} has ended and is still due at {task.due[0]}")
    if task.slot is not None:
        found.append(f"task {task.id} has ended and still has its slot")
    return found


def _of_slots(tx: Tx) -> list[str]:
    """Compare the slots kept with the tasks that hold one or wait."""
    found = []
    holding: dict[tuple[str, str], int] = defaultdict(int)
    waiting: dict[str, list[str]] = defaultdict(list)
    for _, task in tx.scan("task"):
        if task.slot is not None:
            account = the_key(tx, task.key_id).account
            if task.queued:
                waiting[account].append(task.id)
            else:
                holding[account, task.slot] += 1
    for key, slots in tx.scan("slots"):
        account = str(key)
        told = {kind: count for (owner, kind), count in holding.items() if owner == account}
        kept = {kind: count for kind, count in slots.holding if count}
        if kept != told:
            found.append(f"account {account} says it holds the slots {kept}, its tasks say {told}")
        if [one.task_id for one in slots.waiting] != waiting[account]:
            found.append(f"account {account} has tasks in line that are not queued, or in another order")
    return found


def _of_wallet(wallet: Wallet, told: tuple[int, int, int]) -> list[str]:
    found = []
    kept = (wallet.issued, wallet.held, wallet.spent)
    if kept != told:
        found.append(f"wallet {wallet.id} says issued, held, spent are {kept}, its entries say {told}")
    if wallet.issued != wallet.available + wallet.held + wallet.spent:
        found.append(f"wallet {wallet.id} does not balance: {wallet}")
    if min(wallet.available, wallet.held, wallet.spent) < 0:
        found.append(f"wallet {wallet.id} is below zero: {wallet}")
    return found


def _of_movements(owner: str, movements: Movements) -> list[str]:
    found = []
    moved = listed(movements)
    if any(later[1] < earlier[1] for earlier, later in pairwise(moved)):
        found.append(f"the movements of {owner} go back in time")
    reserved = total(movements, "reserve")
    if total(movements, "settle") + total(movements, "release") > reserved:
        found.append(f"{owner} settled and released more than the {reserved} micros it reserved")
    if total(movements, "refund") > total(movements, "settle"):
        found.append(f"{owner} was refunded more than it paid")
    return found
