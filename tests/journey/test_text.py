"""Text in one line: names in any script are accepted, control characters are not."""

import pytest
from pydantic import TypeAdapter, ValidationError

from api.field_types import Name, PersonName
from journey.event_validation import InvalidEvent, from_fields
from journey.outreach import outreach_from
from tests.support.bad_events import FEEDBACK, TICKET

NAMES = {
    "علی\u200cرضا": "علی\u200cرضا",  # a zero-width non-joiner, as Persian names are written
    "क्\u200dष": "क्\u200dष",
    "Anne\u00a0Marie": "Anne Marie",
    "Anne\u202fMarie": "Anne Marie",
    "山田\u3000太郎": "山田\u3000太郎",
    "👨\u200d👩\u200d👧\u200d👦": "👨\u200d👩\u200d👧\u200d👦",
    "Zoé": "Zoé",
}
REFUSED = ["a\x00", "a\nb", "a\tb", "a\x7f", "a\x85b", "a\u2028b", "a\u202eb", "a\u2066b", "a\ud800"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_keeps_its_joiners_and_gets_plain_spaces(name: str) -> None:
    assert TypeAdapter(Name).validate_python(name) == NAMES[name]
    assert TypeAdapter(PersonName).validate_python(name) == NAMES[name]
    assert outreach_from({"sender_name": name}).sender_name == NAMES[name]
    assert from_fields({**FEEDBACK, "id": name, "comment": name}).id == name
    assert from_fields({**TICKET, "ticket_id": name}).type == "support_ticket.opened"


@pytest.mark.parametrize("name", REFUSED)
def test_control_characters_are_refused(name: str) -> None:
    for kind in (Name, PersonName):
        with pytest.raises(ValidationError):
            TypeAdapter(kind).validate_python(name)
    with pytest.raises(InvalidEvent) as refused:
        from_fields({**TICKET, "ticket_id": name})
    assert refused.value.field == "ticket_id"


@pytest.mark.parametrize("name", [" ", "\u00a0", "\u200d", "\u200b \u2060"])
def test_a_person_has_a_name_that_can_be_seen(name: str) -> None:
    with pytest.raises(ValidationError, match="not blank"):
        TypeAdapter(PersonName).validate_python(name)
