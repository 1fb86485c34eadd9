"""SQL text that is built from names in the code."""

import pytest

from db.sql_fragments import AMOUNT_TYPES, name_list


def test_event_types_with_amounts_are_a_list() -> None:
    assert AMOUNT_TYPES == "('appointment.completed', 'payment.adjusted')"


@pytest.mark.parametrize("names", [(), ("call.received", "it's"), ("a\n",), ("A",)])
def test_only_plain_names_become_a_list(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="not plain names"):
        name_list(names)
