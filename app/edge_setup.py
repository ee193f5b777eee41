"""What stands between the world and the application, as the settings have it: rates, names, proxies, documents."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from app.error_catalog import PATH
from app.rates import (
    Addresses,
    Allowances,
    Rates,
    SharedCounts,
    Strikes,
    Unlimited,
    UnreadableNetworkError,
)
from app.relay import RedisLine
from app.settings import Mode, SettingsError
from schema.manifest import OWN_PATH, ManifestError, read_manifest
from schema.trusted import Trust, TrustedDocuments

if TYPE_CHECKING:
    from app.settings import Settings


def docs_url_of(settings: Settings) -> str:
    """Return where errors are explained: relative to this server where nobody says how it is reached."""
    return settings.error_docs_url or f"{(settings.public_url or '').rstrip('/')}{PATH}"


def addresses_of(settings: Settings) -> Addresses:
    """Return who tells where clients are.

    Raises:
        SettingsError: a proxy's address is none.
    """
    try:
        return Addresses(settings.trusted_proxies)
    except UnreadableNetworkError as error:
        raise SettingsError(f"ORDERPULSE_TRUSTED_PROXIES: {error}") from None


def rates_of(settings: Settings) -> Rates | Unlimited:
    """Return what counts requests and operations; in development, nothing does unless it is asked for.

    Raises:
        SettingsError: the address of the Redis that is to count is none.
    """
    if not _is_limited(settings):
        return Unlimited()
    allowances = Allowances(
        requests=settings.rate_requests,
        values=settings.rate_values,
        orders=settings.rate_orders,
        payments=settings.rate_payments,
    )
    url = _shared_url(settings)
    try:
        return Rates(allowances, shared=SharedCounts(url) if url else None)
    except ValueError as error:
        raise SettingsError(f"ORDERPULSE_RATE_LIMITS_URL: {error}") from None


def strikes_of(settings: Settings) -> Strikes | None:
    """Return what counts signatures that failed."""
    return Strikes(settings.rate_failed_signatures) if _is_limited(settings) else None


def hosts_of(settings: Settings) -> tuple[str, ...]:
    """Return the names that the server answers to: in production, its public one too; none for any."""
    public = urlsplit(settings.public_url or "").hostname
    known = public if settings.allowed_hosts or settings.mode is Mode.PRODUCTION else None
    return (*settings.allowed_hosts, *((known,) if known else ()))


def is_encrypted(settings: Settings) -> bool:
    """Whether browsers reach the server by https alone."""
    return (settings.public_url or "").startswith("https://")


def documents_of(settings: Settings) -> TrustedDocuments:
    """Return the documents that are trusted: the list, and those of the pages that come with the product.

    Raises:
        SettingsError: the list can't be read.
    """
    documents = read_manifest(OWN_PATH)
    if settings.trusted_documents_path is not None:
        try:
            documents |= read_manifest(settings.trusted_documents_path)
        except ManifestError as error:
            raise SettingsError(f"ORDERPULSE_TRUSTED_DOCUMENTS_PATH: {error}") from None
    return TrustedDocuments(
        documents, trust=Trust(settings.trusted_documents), automatic=settings.automatic_documents
    )


def _is_limited(settings: Settings) -> bool:
    limited = settings.rate_limits
    return settings.mode is Mode.PRODUCTION if limited is None else limited


def _shared_url(settings: Settings) -> str | None:
    if settings.rate_limits_url is not None:
        return settings.rate_limits_url.get_secret_value()
    broker = settings.broker_url.get_secret_value() if settings.broker_url is not None else ""
    return broker if RedisLine.leads_to(broker) else None
