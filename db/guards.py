"""What no CHECK can hold: the ledger and the order log only grow, and what is booked adds up to zero.

The triggers bind every role, the tables' owner included. The balance is looked at when the transaction commits, so
that a writer may book entry by entry.
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
  SELECT currency, sum(amount_minor) AS amount_minor INTO imbalance
    FROM ledger_entries WHERE transaction_id = NEW.transaction_id
   GROUP BY currency HAVING sum(amount_minor) <> 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'ledger transaction % does not balance: % % too much', NEW.transaction_id,
      imbalance.amount_minor, imbalance.currency USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END
$$
"""
BALANCED: Final = """
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON ledger_entries DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION refuse_imbalance()
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
