"""Phone numbers in E.164, with the text that each was read from.

Workers read the existing numbers after the migration. Code of the version before neither reads nor writes the columns;
a number that it writes differs from `phone_e164_of` and is read by a worker, too.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table customers add column phone_e164 text, add column phone_e164_of text")
    op.execute(
        "create index customers_phones_to_read on customers (company_id, id) where phone is distinct from phone_e164_of"
    )


def downgrade() -> None:
    op.execute("alter table customers drop column phone_e164, drop column phone_e164_of")
