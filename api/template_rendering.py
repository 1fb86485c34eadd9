"""Rendering of companies' own templates on behalf of a request, with its errors as problems."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from activities.bounded_rendering import RenderingDelayed, TooManyWaiting
from activities.rendering import InvalidTemplate
from api.problems import invalid, problem, unavailable

Result = TypeVar("Result")


async def bounded_rendering(work: Awaitable[Result]) -> Result:
    """Wait for the renderer. Raises the problem 422, 429 or 503."""
    try:
        return await work
    except InvalidTemplate as error:
        raise _invalid(error) from None
    except TooManyWaiting:
        detail = "too many templates of this company are being rendered at the moment"
        raise problem("rate-limited", detail, headers={"Retry-After": "1"}) from None
    except RenderingDelayed:
        raise unavailable("template rendering", "this took too long because the machine is overloaded") from None


def _invalid(error: InvalidTemplate) -> Exception:
    place = f"line {error.line}: " if error.line else ""
    return invalid(error.part, f"line {error.line}" if error.line else "(template)", place + error.problem)
