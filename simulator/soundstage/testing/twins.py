"""Makes the async twin of a method: the same call, waited for in another thread."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, TypeVar

Self = TypeVar("Self")
Given = ParamSpec("Given")
Result = TypeVar("Result")


def twin(
    method: Callable[Concatenate[Self, Given], Result],
) -> Callable[Concatenate[Self, Given], Coroutine[Any, Any, Result]]:
    """Return `method` as a coroutine function; the event loop that awaits it goes on meanwhile.

    >>> class Bell:
    ...     def ring(self) -> str:
    ...         return "ding"
    ...     aring = twin(ring)
    >>> asyncio.run(Bell().aring())
    'ding'
    """

    async def awaited(self: Self, /, *args: Given.args, **kwargs: Given.kwargs) -> Result:
        return await asyncio.to_thread(method, self, *args, **kwargs)

    update_wrapper(awaited, method)
    awaited.__name__ = f"a{method.__name__}"
    awaited.__qualname__ = f"{method.__qualname__.rpartition('.')[0]}.{awaited.__name__}".lstrip(".")
    return awaited
