"""Intents, orders and their events name sales, accounts and each other without foreign keys.

A key costs a look and a lock for each row that is written, and what is written is good (decision 25).
What is left of the keys is their other half: nothing is deleted while a row names it.

Revision: 0019, after 0015
"""

from typing import Final

from alembic import op

revision = "0019"
down_revision = "0015"
branch_labels = None
depends_on = None

REFERENCES: Final = (
    ("intents", "sale_id", "sales"),
    ("intents", "user_id", "users"),
    ("orders", "intent_id", "intents"),
    ("orders", "sale_id", "sales"),
    ("orders", "user_id", "users"),
    ("order_events", "order_id", "orders"),
)
# In the order in which claims take them, so that neither waits for the other in a circle.
_LOCK: Final = "LOCK TABLE intents, orders, order_events, sales, users IN ACCESS EXCLUSIVE MODE"
# Asks, for each pair of table and column that it is given, whether a row there names the one that is gone.
_FUNCTION: Final = """
    CREATE FUNCTION refuse_while_named() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        is_named boolean;
    BEGIN
        FOR place IN 0 .. TG_NARGS - 1 BY 2 LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %I.%I WHERE %I = $1)',
                           TG_TABLE_SCHEMA, TG_ARGV[place], TG_ARGV[place + 1]) INTO is_named USING OLD.id;
            IF is_named THEN
                RAISE foreign_key_violation USING MESSAGE =
                    format('A row of "%s" is still named by "%s".', TG_TABLE_NAME, TG_ARGV[place]);
            END IF;
        END LOOP;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.execute(_LOCK)
    for table, column, named in REFERENCES:
        op.drop_constraint(op.f(f"fk_{table}_{column}_{named}"), table, type_="foreignkey")
    op.execute(_FUNCTION)
    for named in ("sales", "users", "intents", "orders"):
        places = ", ".join(f"'{table}', '{column}'" for table, column, of in REFERENCES if of == named)
        op.execute(
            f"CREATE TRIGGER named_rows_stay AFTER DELETE OR UPDATE OF id ON {named}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_while_named({places})"
        )


def downgrade() -> None:
    """What is there already is not looked at again, which would hold the locks for as long as it takes.

    `ALTER TABLE … VALIDATE CONSTRAINT` does that without, at any time.
    """
    op.execute(_LOCK)
    for named in ("sales", "users", "intents", "orders"):
        op.execute(f"DROP TRIGGER named_rows_stay ON {named}")
    op.execute("DROP FUNCTION refuse_while_named")
    for table, column, named in REFERENCES:
        op.create_foreign_key(
            op.f(f"fk_{table}_{column}_{named}"),
            table,
            named,
            [column],
            ["id"],
            postgresql_not_valid=True,
        )
