"""Web processes look every second which sales ask for a confirmed address: an index that holds these alone.

Revision: 0026, after 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0036"
branch_labels = None
depends_on = None

INDEX = "ix_sales_requires_verified_email"


def upgrade() -> None:
    op.create_index(INDEX, "sales", ["id"], postgresql_where=sa.text("requires_verified_email"))


def downgrade() -> None:
    op.drop_index(INDEX, table_name="sales")
