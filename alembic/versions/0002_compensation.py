"""What compensation, retries and faults at run time need: ticketings, the order of retries, chaos rates.

Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ticketings",
        sa.Column("order_id", sa.Uuid(), primary_key=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
    )
    # Orders that have tickets already must not get them a second time.
    op.execute("""
        INSERT INTO ticketings (order_id, status, created_at, updated_at)
        SELECT order_id, 'ISSUED', min(issued_at), min(issued_at) FROM tickets GROUP BY order_id
    """)
    op.create_table(
        "chaos_rates",
        sa.Column("point", sa.Text(), primary_key=True),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("set_by", sa.Text(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rate BETWEEN 0 AND 1", name="rate"),
    )
    op.add_column("inbox_retries", sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False))


def downgrade() -> None:
    op.drop_column("inbox_retries", "id")
    op.drop_table("chaos_rates")
    op.drop_table("ticketings")
