"""Settings: the only reader of the environment. Every name is ORDERPULSE_…, but for DATABASE_URL.

A secret may also come from a file: ORDERPULSE_SECRET_KEY_FILE=/run/secrets/… stands for ORDERPULSE_SECRET_KEY.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator

from app.auth import ALGORITHMS, JwtKeyError, JwtRules, VerificationKey, check_keyset_url, import_keys
from app.roles import Role
from app.settings.fields import PREFIX, CommaSeparated, Secrets
from app.settings.gateways import GatewaySettings

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

SECRET_LENGTH_MIN: Final = 32
BROKERS: Final = ("redis", "rediss", "unix", "memory", "kafka")


class Mode(StrEnum):
    """How careful to be."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The environment does not make sense; the message says which variable and what to do."""


class Settings(GatewaySettings):
    """Everything that can be set."""

    mode: Mode = Mode.DEVELOPMENT
    """`development` or `production`. The IDE, introspection and the demo shop are for development."""
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", f"{PREFIX}DATABASE_URL", "database_url")
    )
    """Any PostgreSQL 15 or newer. Without it, an embedded one runs in `data_dir`."""
    data_dir: Path = Field(default_factory=lambda: _data_home() / "orderpulse")
    """Where the embedded database and generated keys are; `orderpulse` in the user's folder for data, unless set."""
    host: str = "127.0.0.1"
    """The address that is listened on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """0 takes a free one."""
    public_url: str | None = None
    """Where browsers reach this server; http://host:port when left out."""
    url: str | None = None
    """The server that the commands talk to; that of this machine when left out."""
    key: SecretStr | None = None
    """What they send it: a staff key or an API key."""
    log_path: Path | None = None
    """A file that the server logs to as well, in JSON; three of 10 MB at most are kept."""
    error_docs_url: str | None = None
    """Where errors are explained, the code added after it; this server's own pages when left out."""
    secret_key: SecretStr | None = None
    """What order access tokens derive from. Must stay the same over restarts and replicas."""
    staff_keys: Secrets = ()
    """Keys that have every scope, at least 32 characters each; for people, better scopes in JWTs."""
    jwt_jwks_url: str | None = None
    """Where the issuer of customers' and staff's JWTs publishes its keys: https, or http on this machine."""
    jwt_key: SecretStr | None = None
    """Instead of that, the key itself: a JWK, a JWK Set, a PEM, or a shared secret. Best as a file: …_JWT_KEY_FILE."""
    jwt_algorithms: CommaSeparated = ("RS256", "ES256", "EdDSA", "Ed25519")
    """Which signatures are taken."""
    jwt_issuer: str | None = None
    """What `iss` must say; needed in production."""
    jwt_audience: str | None = None
    """What `aud` must say; needed in production."""
    jwt_customer_claim: str = "sub"
    """The claim that is the `customerId` of orders."""
    jwt_scope_claims: CommaSeparated = ("scope", "permissions")
    """The claims that name scopes, as words or as a list."""
    jwt_clock_skew_seconds: int = Field(default=30, ge=0, le=300)
    """How far the issuer's clock may be off."""
    allowed_origins: CommaSeparated = ()
    """Other origins whose pages may open websockets here."""
    return_origins: CommaSeparated = ()
    """Other origins that shoppers may be sent back to after paying."""
    allowed_hosts: CommaSeparated = ()
    """Names that this server answers to besides `public_url`'s; `*.shop.example` stands for all below. None for any."""
    trusted_proxies: CommaSeparated = ("127.0.0.0/8", "::1")
    """Addresses or networks of proxies that name the client in X-Forwarded-For. What others say there is ignored."""
    rate_limits: bool | None = None
    """Whether callers may ask for only so much in a minute; in production, unless it is set."""
    rate_limits_url: SecretStr | None = None
    """A Redis that counts for all processes; the broker's, where that is one. Without it, each counts for itself."""
    rate_requests: int = Field(default=1_200, ge=1)
    """Requests of the API and of tracking pages, and websockets opened, in a minute from one address."""
    rate_values: int = Field(default=300_000, ge=50_000)
    """Values in answers, as operations weigh, in a minute for one caller."""
    rate_orders: int = Field(default=60, ge=1)
    """Orders made in a minute by one caller who is neither staff nor a service."""
    rate_payments: int = Field(default=60, ge=1)
    """Payments opened in a minute, likewise."""
    rate_failed_signatures: int = Field(default=60, ge=1)
    """Webhooks in a minute from one address that no gateway signed, before it hears 429."""
    trusted_documents: str = Field(default="off", pattern="^(off|log|only)$")
    """What becomes of documents that aren't on the list: they are run, also logged, or refused."""
    trusted_documents_path: Path | None = None
    """The list: a folder of .graphql files, or a JSON file of texts by id."""
    automatic_documents: bool = True
    """Whether clients may have documents remembered by their hash (`extensions.persistedQuery`)."""
    queries_by_get: bool = False
    """Whether queries may come by GET, too: what they ask for is in addresses then, and in the logs of proxies."""
    role: Role = Role.ALL
    """What this process serves: all, api, webhooks, live, worker."""
    console: bool = True
    """Whether the operator's console is served at /console. It holds no data: the API answers to keys alone."""
    broker_url: SecretStr | None = None
    """Redis (redis://, rediss://, unix://), or memory:// for a single process; else PostgreSQL's notifications."""
    drain_seconds: float = Field(default=0.0, ge=0.0, le=120.0)
    """How long a process that is told to stop (SIGTERM) serves on while /readyz already says 503: what a load balancer
    needs to send it no more. Nothing by default."""
    worker: bool = True
    """Whether a server of all roles does owed work too: refunds, polls, expiry. Else one of role worker must run."""
    worker_lease_seconds: float = Field(default=60.0, ge=1.0, le=3600.0)
    """How long a piece of work is left to a worker that says nothing any more."""
    gateway_timeout_seconds: float = Field(default=20.0, ge=0.5, le=60.0)
    """How long one call of a gateway may take."""
    log_level: str = "info"
    """debug, info, warning, error."""
    log_format: str = Field(default="auto", pattern="^(auto|json|console)$")
    """`json`, `console`, or `auto`: for people where they look, JSON elsewhere."""

    @property
    def does_owed_work(self) -> bool:
        """Whether this process does owed work."""
        return self.role is Role.WORKER or (self.role is Role.ALL and self.worker)

    @field_validator("broker_url")
    @classmethod
    def _check_broker(cls, value: SecretStr | None) -> SecretStr | None:
        scheme = "" if value is None else value.get_secret_value().partition("://")[0]
        if value is not None and scheme not in BROKERS:
            raise ValueError(
                f"names no broker known here: it begins with one of {', '.join(BROKERS)} and ://"
            )
        return value

    @model_validator(mode="after")
    def _check(self) -> Settings:
        if self.secret_key is not None and len(self.secret_key.get_secret_value()) < SECRET_LENGTH_MIN:
            raise ValueError(f"{PREFIX}SECRET_KEY needs at least {SECRET_LENGTH_MIN} characters")
        if any(len(key.get_secret_value()) < SECRET_LENGTH_MIN for key in self.staff_keys):
            raise ValueError(f"each of {PREFIX}STAFF_KEYS needs at least {SECRET_LENGTH_MIN} characters")
        if self.mode is Mode.PRODUCTION and self.secret_key is None:
            raise ValueError(f"in production {PREFIX}SECRET_KEY must be set, the same on every replica")
        if self.trusted_documents == "only" and self.trusted_documents_path is None:
            raise ValueError(f"{PREFIX}TRUSTED_DOCUMENTS=only needs {PREFIX}TRUSTED_DOCUMENTS_PATH")
        if self.mode is Mode.PRODUCTION and self.sandbox_url is not None:
            raise ValueError(f"in production {PREFIX}SANDBOX_URL must not be set: sandbox money is not money")
        self._check_jwt()
        return self

    def _check_jwt(self) -> None:
        if self.jwt_jwks_url is None and self.jwt_key is None:
            return
        if self.jwt_jwks_url is not None and self.jwt_key is not None:
            raise ValueError(f"set one of {PREFIX}JWT_JWKS_URL and {PREFIX}JWT_KEY, not both")
        if self.jwt_jwks_url is not None:
            check_keyset_url(self.jwt_jwks_url)
        self.jwt_keys()
        unknown = set(self.jwt_algorithms) - ALGORITHMS
        if unknown or not self.jwt_algorithms:
            raise ValueError(f"{PREFIX}JWT_ALGORITHMS takes {', '.join(sorted(ALGORITHMS))}")
        if self.mode is Mode.PRODUCTION and not (self.jwt_issuer and self.jwt_audience):
            raise ValueError(f"in production {PREFIX}JWT_ISSUER and {PREFIX}JWT_AUDIENCE must be set")

    def jwt_keys(self) -> list[VerificationKey]:
        """Return the keys that JWTs are checked by, unless they come from a URL.

        Raises:
            ValueError: what is set as a key is none.
        """
        try:
            return import_keys(self.jwt_key.get_secret_value()) if self.jwt_key is not None else []
        except JwtKeyError as error:
            raise ValueError(f"{PREFIX}JWT_KEY: {error}") from None

    def jwt_rules(self) -> JwtRules:
        """Return which JWTs are believed."""
        return JwtRules(
            algorithms=frozenset(self.jwt_algorithms),
            issuer=self.jwt_issuer,
            audience=self.jwt_audience,
            customer_claim=self.jwt_customer_claim,
            scope_claims=self.jwt_scope_claims,
            skew_seconds=self.jwt_clock_skew_seconds,
        )


class _Isolated(Settings):
    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic's signature, here and below
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def isolated_settings(**given: Any) -> Settings:  # noqa: ANN401 - values of the fields
    """Return settings made of what is given alone, whatever the environment says."""
    return _Isolated(**given)


def load_settings(**given: object) -> Settings:
    """Read the environment; what is given by keyword goes before it.

    Raises:
        SettingsError: something is missing or malformed.
    """
    values: dict[str, Any] = {**_from_files(), **{name: v for name, v in given.items() if v is not None}}
    try:
        return Settings(**values)
    except ValueError as error:
        raise SettingsError(_explain(error)) from None


def in_ci() -> bool:
    """Whether nobody sits in front of this."""
    return bool(os.environ.get("CI"))


def _from_files() -> dict[str, str]:
    """Read the secrets that are given as files."""
    found = {}
    for name, path in os.environ.items():
        if name.startswith(PREFIX) and name.endswith("_FILE"):
            try:
                found[name.removeprefix(PREFIX).removesuffix("_FILE").lower()] = (
                    Path(path).read_text().strip()
                )
            except OSError as error:
                raise SettingsError(f"{name} names a file that can't be read: {error.strerror}") from None
    return found


def _explain(error: ValueError) -> str:
    problems = getattr(error, "errors", lambda **_: [{"loc": (), "msg": str(error)}])(include_url=False)
    lines = []
    for problem in problems:
        where = ".".join(str(part) for part in problem["loc"])
        message = str(problem["msg"]).removeprefix("Value error, ")
        lines.append(f"{PREFIX}{where.upper()}: {message}" if where else message)
    return "; ".join(lines)


def _data_home() -> Path:
    given = os.environ.get("XDG_DATA_HOME")
    return Path(given) if given else Path.home() / ".local" / "share"
