"""The /v2 gateway's error replies.

Source: R-V2-071 for the form, `invalid_request`, and `task_not_exist` with its status 400. ASSUMED: one form for
everything, every other code, and the statuses; see schemas/v2gateway/SOURCE.md.
"""

from soundstage.core.call import Problem, ProblemCode, Reply

_CODES: dict[ProblemCode, str] = {
    "malformed_body": "invalid_request",
    "insufficient_credit": "insufficient_quota",
    "address_not_allowed": "forbidden",
    "model_not_allowed": "forbidden",
    "not_found": "task_not_exist",
    "no_such_route": "not_found",
    "rate_limited": "rate_limit_exceeded",
    "internal": "internal_error",
    "bad_gateway": "unavailable",
    "timed_out": "unavailable",
}
TASK_NOT_EXIST = Problem("not_found", "task not exist")
INSUFFICIENT = Problem("insufficient_credit", "The quota of this key does not cover the task; nothing was created.")


def reply_to(problem: Problem) -> Reply:
    """Return a problem in the family's shape."""
    body = {"code": _CODES.get(problem.code, problem.code), "message": problem.message, "data": None}
    return Reply(body, status=400 if problem.code == "not_found" else problem.status)


def no_such_scope(scope: str, known: str) -> Problem:
    """Return the problem with a scope that is none of the `known` ones."""
    return Problem("no_such_route", f"There is no scope {scope[:60]}; use {known}.")
