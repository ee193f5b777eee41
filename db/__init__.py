"""The database: tables, migrations, every SQL statement, the pool, and the embedded server."""
