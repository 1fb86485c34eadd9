"""Companies that exist already may still have e-mail addresses as ids of customers; new ones refuse them.

Code of the version before ignores the setting.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""update companies set settings = settings || '{"email_ids": true}'""")


def downgrade() -> None:
    op.execute("update companies set settings = settings - 'email_ids'")
