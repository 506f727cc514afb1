"""API-Key's error replies.

Source: R-KEY-070 for the shape and for `insufficient_credits`. ASSUMED: every other type, code and HTTP status; types
fit their status the way OpenAI's clients expect it, because some of them choose their exception by it.
"""

from soundstage.core.call import Problem, ProblemCode, Reply

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "gateway_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "server_error",
    503: "server_error",
    504: "server_error",
}
_CODES: dict[ProblemCode, str] = {
    "malformed_body": "invalid_request",
    "unauthorized": "invalid_api_key",
    "insufficient_credit": "insufficient_credits",
    "over_budget": "max_credits_exceeded",
    "address_not_allowed": "ip_not_allowed",
    "not_found": "task_not_found",
    "no_such_route": "not_found",
    "rate_limited": "rate_limit_exceeded",
    "internal": "internal_error",
    "bad_gateway": "unavailable",
    "timed_out": "unavailable",
}
INSUFFICIENT = Problem("insufficient_credit", "Insufficient credits")


def reply_to(problem: Problem) -> Reply:
    """Return a problem in API-Key's shape."""
    error = {
        "message": problem.message,
        "type": _TYPES[problem.status],
        "code": _CODES.get(problem.code, problem.code),
    }
    if problem.field is not None:
        error["param"] = problem.field
    return Reply({"error": error}, status=problem.status)
