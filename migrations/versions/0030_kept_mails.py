"""Mails that are kept to be read in the control room, and never sent. Revision: 0030, after 0032."""

from alembic import op

revision = "0030"
down_revision = "0032"
branch_labels = None
depends_on = None

_NAME = "ck_mails_status_known"


def upgrade() -> None:
    op.drop_constraint(op.f(_NAME), "mails")
    op.create_check_constraint(op.f(_NAME), "mails", "status IN ('pending', 'kept', 'mailed', 'given_up')")


def downgrade() -> None:
    op.execute(
        "UPDATE mails SET status = 'given_up', given_up_at = now(), error = 'kept' WHERE status = 'kept'"
    )
    op.drop_constraint(op.f(_NAME), "mails")
    op.create_check_constraint(op.f(_NAME), "mails", "status IN ('pending', 'mailed', 'given_up')")
