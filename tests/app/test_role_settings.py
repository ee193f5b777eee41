"""Roles and brokers in the settings: what makes no sense is refused by name, and no secret is shown."""

from __future__ import annotations

import pytest

from app.roles import Role
from app.settings import SettingsError, isolated_settings, load_settings

PASSWORD = "canary-of-the-redis-password"


@pytest.mark.parametrize(
    ("role", "worker", "works"),
    [
        ("all", True, True),
        ("all", False, False),
        ("worker", False, True),
        ("api", True, False),
        ("webhooks", True, False),
        ("live", True, False),
    ],
)
def test_owed_work_is_done_by_the_worker_and_by_who_does_everything(
    role: str, worker: bool, works: bool
) -> None:
    assert isolated_settings(role=Role(role), worker=worker).does_owed_work is works


@pytest.mark.parametrize("url", ["amqp://:{}@mq", "postgresql://:{}@db/shop", "redis:{}", ""])
def test_a_broker_that_is_not_known_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="ORDERPULSE_BROKER_URL: names no broker") as refused:
        load_settings(broker_url=url.format(PASSWORD))

    assert PASSWORD not in str(refused.value)


def test_a_broker_shows_no_password() -> None:
    settings = isolated_settings(broker_url=f"redis://:{PASSWORD}@redis/0")

    assert PASSWORD not in repr(settings)
    assert settings.broker_url is not None
    assert PASSWORD in settings.broker_url.get_secret_value()


def test_a_role_that_is_not_known_is_refused() -> None:
    with pytest.raises(SettingsError, match="ORDERPULSE_ROLE"):
        load_settings(role="everything")
