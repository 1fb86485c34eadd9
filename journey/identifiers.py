"""The form of a customer's id, for every place that takes or describes one."""

import re

#: Matches a whole id; JSON schemas and Postgres need `ANCHORED_CUSTOMER_ID`.
CUSTOMER_ID = re.compile(r"[A-Za-z0-9._:@-]{1,64}")
ANCHORED_CUSTOMER_ID = f"^{CUSTOMER_ID.pattern}$"
#: The same for people.
CUSTOMER_ID_CHARACTERS = "1 to 64 of A-Z a-z 0-9 . _ : @ -"


def is_customer_id(text: str) -> bool:
    """Whether a text can be a customer's id."""
    return CUSTOMER_ID.fullmatch(text) is not None
