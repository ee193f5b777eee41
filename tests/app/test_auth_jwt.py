"""What a JWT must be to be believed, and what hostile ones try."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from app.auth import (
    AuthenticationError,
    Authenticator,
    FixedKeys,
    JwtKeyError,
    JwtRules,
    JwtVerifier,
    hash_secret,
    import_keys,
)
from app.auth import token as tokens
from app.scopes import Scope
from app.settings import isolated_settings
from tests import customers
from tests.customers import AUDIENCE, ISSUER, KEY, claims, token, verifier

if TYPE_CHECKING:
    from app.auth import Caller, KnowsCredentials

RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
SECRET = "a-shared-secret-of-the-tests-0123456789abcdef"


async def verify(text: str, by: JwtVerifier | None = None) -> Caller:
    return await (by or verifier()).verify(text, hash_secret(text))


def of(key: Any, *algorithms: str) -> JwtVerifier:  # noqa: ANN401 - any key of joserfc's
    rules = JwtRules(algorithms=frozenset(algorithms), issuer=ISSUER, audience=AUDIENCE)
    text = key if isinstance(key, str) else json.dumps(key.as_dict(private=False))
    return JwtVerifier(rules, FixedKeys(import_keys(text)))


def segment(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def signed(header: dict[str, Any], payload: bytes) -> str:
    """Sign whatever it is with the issuer's own key."""
    told = f"{segment(header)}.{segment(payload)}"
    return f"{told}.{segment(JWSRegistry.algorithms['ES256'].sign(told.encode(), KEY))}"


async def test_a_customer_is_known_by_the_subject_and_the_scopes() -> None:
    caller = await verify(token("bob", scope="orders:read openid", permissions=["refunds:write", 7]))

    assert (caller.subject, caller.customer_id) == ("customer:bob", "bob")
    assert caller.scopes == {Scope.READ, Scope.REFUNDS}
    assert not caller.is_staff


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (RSA, "RS256 RS384 RS512 PS256 PS384 PS512"),
        (ECKey.generate_key("P-384"), "ES384"),
        (ECKey.generate_key("P-521"), "ES512"),
        pytest.param(
            OKPKey.generate_key("Ed25519"),
            "EdDSA Ed25519",
            marks=pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
        ),
    ],
)
async def test_every_algorithm_verifies_by_a_key_of_its_type(key: Any, algorithms: str) -> None:  # noqa: ANN401
    names = algorithms.split()
    for name in names:
        text = jwt.encode({"alg": name}, claims("bob"), key, algorithms=[name])
        assert (await verify(text, of(key, *names))).customer_id == "bob"


async def test_a_shared_secret_verifies_hs_alone() -> None:
    key = OctKey.import_key(SECRET)
    text = jwt.encode({"alg": "HS256"}, claims("bob"), key)

    assert (await verify(text, of(SECRET, "HS256"))).customer_id == "bob"
    with pytest.raises(AuthenticationError):
        await verify(text, of(SECRET, "ES256"))


async def test_the_public_rsa_key_is_no_shared_secret() -> None:
    for secret in (RSA.as_pem(private=False), json.dumps(RSA.as_dict(private=False)).encode()):
        told = f"{segment({'alg': 'HS256', 'kid': 'rsa'})}.{segment(claims())}"
        forged = f"{told}.{segment(hmac.digest(secret, told.encode(), 'sha256'))}"
        with pytest.raises(AuthenticationError):
            await verify(forged, of(RSA, "RS256", "HS256"))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None"},
        {"alg": ["ES256"]},
        {},
        {"alg": "ES256", "kid": "../../dev/null"},
        {"alg": "ES256", "kid": "https://evil.example/key"},
        {"alg": "ES256", "kid": "k" * 5000},
        {"alg": "ES256", "kid": 7},
        {"alg": "ES256", "kid": ""},
        {"alg": "ES256", "crit": ["exp"], "exp": 1},
        {"alg": "ES256", "b64": False, "crit": ["b64"]},
        {"alg": "ES256", "b64": False},
        {"alg": "ES256", "typ": "logout+jwt"},
        {"alg": "ES256", "typ": 7},
    ],
)
async def test_a_header_that_tries_something_is_refused_although_signed(header: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError):
        await verify(signed(header, json.dumps(claims()).encode()))


async def test_an_unsigned_token_is_refused() -> None:
    for text in (f"{segment({'alg': 'none'})}.{segment(claims())}.", f"{token().rpartition('.')[0]}."):
        with pytest.raises(AuthenticationError):
            await verify(text)


async def test_keys_that_a_token_brings_along_are_not_looked_at() -> None:
    mine = ECKey.generate_key("P-256", {"kid": "of-the-tests"})
    brought = {
        "jwk": mine.as_dict(private=False),
        "jku": "http://127.0.0.1:1/keys",
        "x5u": "http://127.0.0.1:1/certificate",
        "x-unknown": "1",
    }
    forged = jwt.encode(
        {"alg": "ES256", "kid": KEY.kid, "jwk": brought["jwk"], "jku": brought["jku"]}, claims(), mine
    )

    with pytest.raises(AuthenticationError):
        await verify(forged)
    honest = signed({"alg": "ES256", **brought}, json.dumps(claims("bob")).encode())
    assert (await verify(honest)).customer_id == "bob"


@pytest.mark.parametrize(
    "more",
    [
        {"exp": None},
        {"exp": time.time() - 31},
        {"exp": "2099-01-01"},
        {"exp": True},
        {"exp": 10**400},
        {"nbf": time.time() + 86_400},
        {"iat": time.time() + 86_400},
        {"iss": None},
        {"iss": "https://evil.example/"},
        {"iss": [ISSUER]},
        {"aud": None},
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": [AUDIENCE, 7]},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 201},
        {"sub": "a\x00b"},
    ],
)
async def test_claims_that_are_wrong_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(AuthenticationError):
        await verify(token(**more))


async def test_clocks_may_differ_a_little_and_an_audience_may_be_a_list() -> None:
    now = int(time.time())
    late = token(exp=now - 20)
    early = token(nbf=now + 20, iat=now + 20, aud=["another", AUDIENCE])

    assert (await verify(late)).customer_id == (await verify(early)).customer_id == "alice"


async def test_a_claim_that_stands_twice_is_refused() -> None:
    twice = json.dumps(claims("bob")).replace("{", '{"sub": "alice", ', 1)
    header = {"alg": "ES256", "kid": KEY.kid}

    with pytest.raises(AuthenticationError):
        await verify(signed(header, twice.encode()))
    assert (await verify(signed(header, json.dumps(claims()).encode()))).customer_id == "alice"


@pytest.mark.parametrize(
    "text",
    [
        "..",
        "a.b.c",
        "e30.e30.e30",
        "é.é.é",
        f"{'a' * 9000}.b.c",
        f"{segment([1])}.e30.e30",
        "W" * 4000 + ".e30.e30",
    ],
)
async def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(AuthenticationError):
        await verify(text)


async def test_a_huge_token_costs_no_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "deserialize_compact", None)  # would fail if it were called

    with pytest.raises(AuthenticationError):
        await verify(token(filler="x" * 9000))


async def test_a_checked_token_is_not_checked_again_until_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [time.time()]
    by = verifier(lambda: now[0])
    text = token(exp=int(now[0]) + 100)
    first = await verify(text, by)
    monkeypatch.setattr(tokens, "deserialize_compact", lambda *_, **__: pytest.fail("checked again"))

    assert await verify(text, by) is first
    monkeypatch.undo()
    now[0] += 131
    with pytest.raises(AuthenticationError):
        await verify(text, by)


async def test_only_so_many_tokens_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "CACHE_MAX", 3)
    by = verifier()
    for number in range(5):
        await verify(token(f"c{number}"), by)

    assert [caller.customer_id for caller in by._known.values()] == ["c2", "c3", "c4"]


@pytest.mark.parametrize("text", ["short", '{"keys": 1}', "{", "-----BEGIN X-----\nx\n-----END X-----"])
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(JwtKeyError) as refused:
        import_keys(text)

    assert text not in str(refused.value)


class _Nothing:
    async def open_order(self, _: bytes) -> None:
        return None

    async def api_key(self, _: bytes) -> None:
        return None

    async def valid(self, *_: object) -> set[bytes]:
        return set()


async def test_a_header_is_taken_apart_with_care() -> None:
    store: KnowsCredentials = _Nothing()
    asked = Authenticator(staff_keys=["s" * 32], secret="s" * 32, store=store, jwt=customers.verifier())

    assert (await asked.identify(f"bearer {token('bob')}")).customer_id == "bob"
    for header in (
        "Bearer",
        "Basic eA==",
        "Bearer é",
        f"Bearer {token()}x",
        "Bearer " + "a" * 9000,
        "Bearer \udcff.a.b",
    ):
        with pytest.raises(AuthenticationError):
            await asked.identify(header)


def test_a_key_that_is_none_is_refused_by_the_name_of_its_setting() -> None:
    with pytest.raises(ValueError, match="ORDERPULSE_JWT_KEY: A shared secret needs") as refused:
        isolated_settings(jwt_key="too-little")

    assert "too-little" not in str(refused.value)
