"""The example of a deployment names roles and settings that there are, and every service that it speaks of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from app.roles import Role
from app.settings import Settings

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
COMPOSE: Final = (DEPLOY / "compose.yaml").read_text()
PROXY: Final = (DEPLOY / "Caddyfile").read_text()
ENVIRONMENT: Final = (DEPLOY / "env.example").read_text()


def test_its_roles_together_serve_everything() -> None:
    roles = re.findall(r'"--role", "(\w+)"', COMPOSE)

    assert sorted(roles) == sorted(set(Role) - {Role.ALL})


def test_its_settings_exist() -> None:
    names = re.findall(r"^ORDERPULSE_(\w+)=", ENVIRONMENT, flags=re.MULTILINE)

    assert len(names) == 4
    assert [name for name in names if name.lower() not in Settings.model_fields] == []
    assert "DATABASE_URL=" in ENVIRONMENT


def test_its_secrets_are_named_where_they_are_needed_and_given_nowhere() -> None:
    needed = set(re.findall(r"\$\{(\w+):\?\}", COMPOSE)) | set(re.findall(r"\{\$(\w+)\}", PROXY))
    given = dict(re.findall(r"^(\w+)=(.*)$", ENVIRONMENT, flags=re.MULTILINE))

    assert needed == {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "SHOP_HOST"}
    assert needed <= given.keys()
    assert [name for name in given if name.endswith(("_PASSWORD", "_KEY")) and given[name]] == []


def test_the_proxy_sends_to_services_that_there_are() -> None:
    services = re.findall(r"^  (\w+):$", COMPOSE.partition("\nservices:\n")[2], flags=re.MULTILINE)

    assert {"proxy", "api", "webhooks", "live", "worker", "migrate", "postgres", "redis"} <= set(services)
    assert set(re.findall(r"reverse_proxy (\w+):8000", PROXY)) == {"api", "webhooks", "live"}
