"""What no CHECK can hold: the ledger and the order log only grow, and what is booked adds up to zero.

The triggers bind every role, the tables' owner included. The balance is looked at once for each statement, over the
rows that it adds: a statement books whole transactions or nothing, and a batch of any size costs one look.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import DDL, Table, event

ONLY_GROWS: Final = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on %: rows are only ever added there', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$
"""
BALANCES: Final = """
CREATE FUNCTION refuse_imbalance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  imbalance record;
BEGIN
  SELECT transaction_id, currency, sum(amount_minor) AS amount_minor INTO imbalance
    FROM added GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger transaction % does not balance: % % too much', imbalance.transaction_id,
      imbalance.amount_minor, imbalance.currency USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END
$$
"""
BALANCED: Final = """
CREATE TRIGGER balanced AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_imbalance()
"""


def only_grows(table: str) -> str:
    """Return the trigger that lets rows be added to a table, and nothing else."""
    return (
        f"CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def guard(table: Table, *statements: str) -> None:
    """Run the statements wherever the table is created from the models."""
    for statement in statements:
        event.listen(table, "after_create", DDL(statement.replace("%", "%%")))  # type: ignore[no-untyped-call]  # as SQLAlchemy has it
