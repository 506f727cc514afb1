"""MidSync's error replies.

ASSUMED: the documents show no error body but quote's `error` field; 4xx with `success: false` satisfies clients that
look at either (A-MID-26, R-MID-137). See schemas/midsync/SOURCE.md.
"""

from soundstage.core.call import Problem, Reply

_CODES = {
    "insufficient_credit": "insufficient_points",
    "malformed_body": "invalid_request",
    "model_not_allowed": "forbidden",
    "address_not_allowed": "forbidden",
    "no_such_route": "not_found",
    "internal": "internal_error",
    "bad_gateway": "service_unavailable",
    "unavailable": "service_unavailable",
    "timed_out": "service_unavailable",
}


def reply_to(problem: Problem) -> Reply:
    """Return a problem in MidSync's shape."""
    code = _CODES.get(problem.code, problem.code)
    return Reply({"success": False, "error": problem.message, "code": code}, status=problem.status)
