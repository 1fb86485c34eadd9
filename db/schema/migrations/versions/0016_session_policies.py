"""Who knows the hash of a session or of a sign-in link may find and end it, but not insert one for any company.

Code of the version before inserts sessions in the scope of their company.
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

THIS_HASH = "decode(nullif(current_setting('app.key_hash', true), ''), 'hex')"
SECRETS = {"sessions": "secret_hash", "sign_in_links": "token_hash"}
#: What else than reading the holder of a secret does: a session is ended, a link is marked as used.
USES = {"sessions": "for delete using ({held})", "sign_in_links": "for update using ({held}) with check ({held})"}


def upgrade() -> None:
    for table, secret in SECRETS.items():
        held = f"{secret} = {THIS_HASH}"
        op.execute(f"drop policy bearer on {table}")
        op.execute(f"create policy bearer on {table} for select using ({held})")
        op.execute(f"create policy bearer_use on {table} " + USES[table].format(held=held))


def downgrade() -> None:
    for table, secret in SECRETS.items():
        held = f"{secret} = {THIS_HASH}"
        op.execute(f"drop policy bearer_use on {table}")
        op.execute(f"drop policy bearer on {table}")
        op.execute(f"create policy bearer on {table} using ({held}) with check ({held})")
