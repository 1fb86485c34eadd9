"""How large the answer about one journey may become."""

from tests.api.conftest import Tenant


def test_events_are_limited_by_their_size(tenant: Tenant, working: None) -> None:
    comments = [{"type": "feedback.received", "rating": 3, "comment": f"{n:03}" + "Ü" * 3990} for n in range(80)]
    instants = [f"2026-01-01T00:{n // 60:02}:{n % 60:02}Z" for n in range(80)]
    events = [{**comment, "occurred_at": at} for comment, at in zip(comments, instants, strict=True)]
    for first in range(0, 80, 20):
        tenant.live("c-1", *events[first : first + 20])
    answer = tenant.client.get("/v1/portal/customers/c-1/journey?limit=1000")
    shown = [event["fields"]["comment"][:3] for event in answer.json()["events"]]
    assert 40 < len(shown) < 80
    assert shown == [f"{n:03}" for n in range(79, 79 - len(shown), -1)]
    assert len(answer.content) < 500_000
