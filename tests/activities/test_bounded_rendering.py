"""Own templates are rendered in processes with limits: a slow one ends, and does not delay other companies."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from activities.bounded_rendering import RenderingDelayed, TemplateRenderer, TooManyWaiting
from activities.rendering import CompanyTemplate, InvalidTemplate, Rendered, check_template, render

OWN = CompanyTemplate("Hi", "<p>{{ name }}</p>", "Hello {{ name }}")
#: Saved before the number of expressions was limited; it takes more than a second of CPU time.
HUGE = CompanyTemplate("Hi", ("{{name" + "|e" * 80 + "}}") * 590, "Hello")
SLOW = CompanyTemplate("Hi", "{{name}}" * 4_000, "Hello")  # about half a second
VALUES = {"company_name": "Salon", "name": "<Ada>"}


_of_before: set[int] = set()  # processes that other tests left to this one


def children() -> set[int]:
    """The processes that render for this test."""
    listed = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 2) for line in listed.splitlines()[1:]]
    ours = str(Path("/proc/self").resolve().name)
    return {int(pid) for pid, parent, args in rows if parent == ours and "anyio.to_process" in args} - _of_before


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("html", "{{name}}" * 1001),
        ("html", "{{ name|upper }}" * 501),
        ("text", "{% if name %}a{% endif %}" * 501),
        ("text", "{{ " + "~".join(["name"] * 2000) + " }}"),
    ],
)
def test_a_template_with_too_many_expressions_is_refused(part: str, source: str) -> None:
    with pytest.raises(InvalidTemplate, match=f"^{part}, line 1: more than 1000 variables"):
        check_template("welcome", "Hi", source if part == "html" else None, source if part == "text" else "Hi")
    check_template("welcome", "Hi", "<p>" + "{{name}} and {{name}}<br>" * 500, "Hi")  # 1,000 are allowed


def test_escaping_cannot_let_a_value_grow() -> None:
    source = "{{ '" + "%" * 60_000 + "'" + "|urlencode" * 80 + " }}"
    with pytest.raises(InvalidTemplate, match="the filter 'urlencode' returns more than 200000 characters"):
        check_template("welcome", "Hi", source, "Hi")


async def test_the_result_and_the_errors_are_those_of_the_renderer() -> None:
    renderer = TemplateRenderer()
    assert await renderer.render(1, "welcome", None, VALUES, OWN) == render("welcome", None, VALUES, OWN)
    assert await renderer.preview(1, "welcome", "en", "Salon", OWN) == Rendered(
        "Hi", "Hello Ada Example\n", "<p>Ada Example</p>"
    )
    await renderer.check(1, "welcome", OWN)
    with pytest.raises(InvalidTemplate) as raised:
        await renderer.check(1, "welcome", CompanyTemplate("Hi", None, "\n{{ nmae }}"))
    error = raised.value
    assert (error.part, error.line, error.problem.partition(";")[0]) == ("text", 2, "unknown variable 'nmae'")
    with pytest.raises(ValueError, match="welcome needs company_name"):
        await renderer.render(1, "welcome", None, {}, OWN)


async def test_a_template_that_takes_too_long_is_ended() -> None:
    renderer = TemplateRenderer()
    await renderer.check(1, "welcome", OWN)
    (process,) = children()
    with pytest.raises(InvalidTemplate, match=r"^html: takes too much time or memory to render; shorten it"):
        await renderer.render(1, "welcome", None, VALUES, HUGE)
    assert process not in children()
    assert (await renderer.render(1, "welcome", None, VALUES, OWN)).text == "Hello <Ada>\n"


async def test_an_overloaded_machine_is_not_blamed_on_the_template(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.bounded_rendering.WALL_SECONDS", 0.05)
    with pytest.raises(RenderingDelayed):
        await TemplateRenderer().render(1, "welcome", None, VALUES, SLOW)
    assert children() == set()


async def test_a_company_has_one_rendering_at_a_time() -> None:
    """Twenty slow ones of one company take one process; another company's takes the second, and need not wait."""
    renderer = TemplateRenderer()
    await asyncio.gather(*(renderer.check(company, "welcome", OWN) for company in (1, 2)))  # starts both processes
    work = [asyncio.create_task(renderer.render(1, "welcome", None, VALUES, SLOW)) for _ in range(8)]
    await asyncio.sleep(0)
    started = time.monotonic()
    await renderer.check(2, "welcome", OWN)
    others = time.monotonic() - started
    done = [task.done() for task in work]
    await asyncio.gather(*work)
    assert (sum(done) <= 2, len(children()) <= 2) == (True, True), (done, others)


async def test_the_number_of_waiting_renderings_is_limited() -> None:
    renderer = TemplateRenderer(max_waiting=2)
    results = await asyncio.gather(*(renderer.check(1, "welcome", OWN) for _ in range(4)), return_exceptions=True)
    assert [type(result) for result in results] == [type(None), type(None), TooManyWaiting, TooManyWaiting]
    await renderer.check(1, "welcome", OWN)


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    _of_before.clear()
    _of_before.update(children())
    yield
    until = time.monotonic() + 10
    while children() and time.monotonic() < until:
        time.sleep(0.05)
    assert children() == set()
