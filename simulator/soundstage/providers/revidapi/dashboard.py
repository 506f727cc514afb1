"""RevidAPI's dashboard: the key, the jobs, their sums, the movements of the balance; views of one ledger.

Source: R-REV-025, R-REV-208. ASSUMED: filters, paging and every key of the replies.
"""

import csv
from collections import defaultdict
from io import StringIO
from typing import Annotated, Literal

from pydantic import Field

from soundstage.core.call import Call, Problem, Reply
from soundstage.core.clock import iso
from soundstage.core.money import number
from soundstage.core.view import Tx
from soundstage.core.wallet import charged
from soundstage.providers.revidapi.account import CURRENCY, available, key_prefix
from soundstage.providers.revidapi.errors import reply_to
from soundstage.providers.revidapi.jobs import STATES, job_body
from soundstage.providers.revidapi.limits import plan_of
from soundstage.providers.revidapi.tenant import tenant_revenue, tenant_subs, tenant_users
from soundstage.providers.revidapi.transactions import credits  # noqa: A004 - the endpoint's name
from soundstage.providers.revidapi.views import DAY_MS, Paging, Window, jobs_of, opened, opened_at, paged, span
from soundstage.validation import read

__all__ = [
    "credits",
    "jobs",
    "me",
    "stats",
    "stats_export",
    "tenant_revenue",
    "tenant_subs",
    "tenant_users",
]


class JobsQuery(Paging):
    """Filters may be combined."""

    status: Literal["pending", "processing", "completed", "failed", "cancelled"] | None = None
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    type: Literal["image", "video", "motion-control", "kol-ai"] | None = None


# Jobs and credits (micros) by day, counted from 1970, and model.
Sums = dict[tuple[int, str], tuple[int, int]]


def me(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/me: the key, its balance and its plan."""
    key = call.key
    return Reply(
        {
            "key_prefix": key_prefix(call),
            "key_type": key.kind,
            "role": key.role or "user",
            "balance": available(call, tx),
            "currency": CURRENCY,
            "plan": plan_of(key),
            "created_at": opened_at(tx, key.wallet, opened(tx)),
        }
    )


def jobs(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/jobs: the account's jobs, the newest first."""
    query = read(JobsQuery, call.query)
    if isinstance(query, Problem):
        return reply_to(query)
    found = [
        task
        for task in jobs_of(tx, call.key.account)
        if query.model in {None, task.model}
        and query.type in {None, task.kind}
        and (query.status is None or query.status == STATES[task.state(tx.now)])
    ]
    page, pagination = paged(found, query)
    return Reply({"jobs": [job_body(tx, task, call.base_url) for task in page], "pagination": pagination})


def stats(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/stats: the account's jobs by model and by day; what was given back counts nothing."""
    sums = _sums(call, tx)
    if isinstance(sums, Problem):
        return reply_to(sums)
    by_model: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    by_day: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for (day, model), sum_ in sums.items():
        by_model[model] = _plus(by_model[model], sum_)
        by_day[day] = _plus(by_day[day], sum_)
    models = sorted(by_model.items(), key=lambda one: (-one[1][1], one[0]))
    return Reply(
        {
            "total_jobs": sum(count for count, _ in sums.values()),
            "total_credits": number(sum(paid for _, paid in sums.values())),
            "by_model": [{"model": model, "jobs": count, "credits": number(paid)} for model, (count, paid) in models],
            "by_day": [
                {"date": _date(day), "jobs": count, "credits": number(paid)}
                for day, (count, paid) in sorted(by_day.items())
            ],
        }
    )


def stats_export(call: Call, tx: Tx) -> Reply:
    """GET /dashboard/stats/export: the same sums by day and model, as CSV."""
    sums = _sums(call, tx)
    if isinstance(sums, Problem):
        return reply_to(sums)
    text = StringIO()
    lines = csv.writer(text)
    lines.writerow(("date", "model", "jobs", "credits"))
    lines.writerows((_date(day), model, count, number(paid)) for (day, model), (count, paid) in sorted(sums.items()))
    return Reply(text.getvalue().encode(), content_type="text/csv")


def _sums(call: Call, tx: Tx) -> Sums | Problem:
    window = read(Window, call.query)
    if isinstance(window, Problem):
        return window
    bounds = span(window)
    if isinstance(bounds, Problem):
        return bounds
    sums: Sums = defaultdict(lambda: (0, 0))
    for task in jobs_of(tx, call.key.account):
        if bounds[0] <= task.created_at < bounds[1]:
            cell = (task.created_at // DAY_MS, task.model)
            sums[cell] = _plus(sums[cell], (1, charged(task.movements)))
    return sums


def _plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def _date(day: int) -> str:
    return iso(day * DAY_MS)[:10]
