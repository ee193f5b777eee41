"""How the server is set up: for payments, on one machine, beside the process that uses it.

Apart, because these choices are read by people who run the database. They are given on the command line, so that
they follow the version of this code and no ALTER SYSTEM can turn durability off.
"""

from pathlib import Path

from db.embedded.sockets import PORT

SUPERUSER = "postgres"
ROLE = "orderpulse"

_SETTINGS = {
    # Unix socket only, in a folder that only its owner may enter.
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "authentication_timeout": "10s",
    "cluster_name": "orderpulse",
    # The hot rows of a shop fit; the rest is the page cache's, which this machine's other work shares.
    "shared_buffers": "128MB",
    # What is written: answered means durable.
    "synchronous_commit": "on",
    # replica and not minimal: a payments database is backed up while it runs (pg_basebackup), may archive its log
    # and one day get a standby. minimal would only speed up bulk loads.
    "wal_level": "replica",
    "max_wal_senders": "4",
    "wal_compression": "pglz",
    # Short transactions on indexed rows: compiling or parallelising them costs more than it gains, and parallel
    # workers need /dev/shm, of which a container has 64 MB.
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    # A client that stopped in the middle of a transaction would keep orders locked. Idle sessions are left alone:
    # a listener is one.
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "10s",
    "timezone": "UTC",
    # The log: what an operator needs, without the values of parameters or of rows, which may be personal.
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%a ",
    "log_min_messages": "warning",
    "log_min_duration_statement": "1s",
    "log_lock_waits": "on",
    "log_error_verbosity": "terse",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
_DURABLE = {"fsync": "on", "full_page_writes": "on"}
_THROWAWAY = {"fsync": "off", "full_page_writes": "off"}


def server_arguments(*, data: Path, socket_folder: Path, durable: bool) -> list[str]:
    """Return the arguments of `postgres`."""
    quoted = str(socket_folder).replace('"', '""')
    settings = {
        **_SETTINGS,
        **(_DURABLE if durable else _THROWAWAY),
        "unix_socket_directories": f'"{quoted}"',
    }
    return [
        "-D",
        str(data),
        *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
    ]


def initdb_arguments(*, major: int, data: Path, durable: bool) -> list[str]:
    """Return the arguments of `initdb`. Text sorts by code point in UTF-8, the same on every machine.

    No password: nobody gets to the socket but who may enter its folder, and whoever may could read a password
    kept there as well.
    """
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if major >= _MAJOR_WITH_BUILTIN_LOCALE
        else ["--locale=C.UTF-8"]
    )
    arguments = [
        *("--pgdata", str(data), "--username", SUPERUSER, "--encoding=UTF8", *locale),
        *("--auth-local=trust", "--auth-host=reject", "--data-checksums", "--no-instructions"),
    ]
    return arguments if durable else [*arguments, "--no-sync"]


_MAJOR_WITH_BUILTIN_LOCALE = 17
