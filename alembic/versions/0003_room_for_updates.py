"""Room on a page for the later versions of its rows: payments are updated three times, charges once.

Revises: 0002
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("payments", "gateway_charges"):
        op.execute(f"ALTER TABLE {table} SET (fillfactor = 50)")


def downgrade() -> None:
    for table in ("payments", "gateway_charges"):
        op.execute(f"ALTER TABLE {table} RESET (fillfactor)")
