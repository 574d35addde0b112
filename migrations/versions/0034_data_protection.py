"""Consents, exports of personal data, and erasure; what finds old rows that are no longer to be kept.

Revision: 0034, after 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0024"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_NOW = sa.text("now()")


def upgrade() -> None:
    op.add_column("users", sa.Column("erasure_asked_at", _TIME, nullable=True))
    op.create_table(
        "consents",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("accepted_at", _TIME, server_default=_NOW, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_consents_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "version", name=op.f("pk_consents")),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_exports_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_user_id_made_at", "exports", ["user_id", "made_at"])
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"])
    op.create_index("ix_background_tasks_subject_id", "background_tasks", ["subject_id", "kind"])
    op.create_index("ix_webhook_events_received_at", "webhook_events", ["received_at"])
    op.create_index("ix_mails_readable", "mails", ["created_at"], postgresql_where=sa.text("to_email <> ''"))


def downgrade() -> None:
    op.drop_index("ix_mails_readable", "mails")
    op.drop_index("ix_webhook_events_received_at", "webhook_events")
    op.drop_index("ix_background_tasks_subject_id", "background_tasks")
    op.drop_table("exports")
    op.drop_table("consents")
    op.drop_column("users", "erasure_asked_at")
