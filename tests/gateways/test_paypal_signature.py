"""PayPal's signature against a delivery that PayPal itself signed, and every change of a bit in it.

The delivery is one of PayPal's webhook simulator, published with its headers in hookdeck/webhook-samples on GitHub; the
key is that of the certificate which it names.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.gateways import SignatureError
from app.gateways.paypal.signature import read_transmission

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

WEBHOOK_ID: Final = "WEBHOOK_ID"
KEY_PEM: Final = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEApl3goRlqN66kVGBY1c+W
uq5LFQUAhwaNZjYW5CbFexmjFqOFj2GMSyMv6dFPmQMad0oOQ0FVGyGhRjCkPeDu
FwT5GOKlXPf398116DgHdF9vvEAcARuZFr2OchpgQBIoHPhjBBorgJVDM9DvM2QJ
A5KGxMX/SGS0q7ROGFjdyRg1rzlYfK5BiUQVkYF6FGq3pkH75ArF4g/I8RG+fMKT
57o9DMEiLM2n7e6ynd03QNhr2q1QAHCOdhX7Es2+nD5+d8ZkDC1A3G5XEXNxCaRI
yENmqUJHTpRMihpSYwJwuKFSd40QuoVJpdlwGlSvLMC3HUNlH49a0z8bwhQS0xiT
0QIDAQAB
-----END PUBLIC KEY-----
"""
HEADERS: Final = {
    "paypal-auth-algo": "SHA256withRSA",
    "paypal-auth-version": "v2",
    "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-38317689",
    "paypal-transmission-id": "65f03660-ba1e-11ed-b284-5163cdac11a1",
    "paypal-transmission-time": "2023-03-03T23:52:04Z",
    "paypal-transmission-sig": (
        "dn4KcrSaxCEXd8I5yrHQWJtQ4FySM1Bfsob4dBTBo7FSGrNJYQF2YjiX1pkKI+/MvPHWPIA62aWIT5dqxl1RLxvuYmZOf1O6"
        "SRx5XVcil9zotqdAADDsC/7V91qb5Qh6mMUv/Hut11ny0ZEAJoUsc88O/XVchuwuDYbYU+WhCmdUywnposyyoddELfd/TSWv"
        "3BsW9a+K0/iUU3T2Yg3o7mxSP0jPlv/WiwAOqv7EABhkhdLlZIOznJVOwSeDp8W9Z3XiNpy1kWDR26YWqeM0RSjCq1k9CjHM"
        "jIGKm2SN8KymTKzE44eblh/Onm5LXXeiuOyQ636fnZOp5nyU91+O0Q=="
    ),
}
BODY: Final = base64.b64decode(
    "eyJpZCI6IldILUNPQzExMDU1UkE3MTE1MDNCLTRZTTk1OTA5NEExNDQ0MDNUIiwiY3JlYXRlX3RpbWUiOiIyMDE4LTA0LTE2"
    "VDIxOjIxOjQ5LjAwMFoiLCJldmVudF90eXBlIjoiQ0hFQ0tPVVQuT1JERVIuQVBQUk9WRUQiLCJyZXNvdXJjZV90eXBlIjoi"
    "Y2hlY2tvdXQtb3JkZXIiLCJyZXNvdXJjZV92ZXJzaW9uIjoiMi4wIiwic3VtbWFyeSI6IkFuIG9yZGVyIGhhcyBiZWVuIGFw"
    "cHJvdmVkIGJ5IGJ1eWVyIiwicmVzb3VyY2UiOnsiaWQiOiI1TzE5MDEyN1ROMzY0NzE1VCIsInN0YXR1cyI6IkFQUFJPVkVE"
    "IiwiaW50ZW50IjoiQ0FQVFVSRSIsInBheWVyIjp7Im5hbWUiOnsiZ2l2ZW5fbmFtZSI6IkpvaG4iLCJzdXJuYW1lIjoiRG9l"
    "In0sImVtYWlsX2FkZHJlc3MiOiJjdXN0b21lckBleGFtcGxlLmNvbSIsInBheWVyX2lkIjoiUVlSNVo4WERWSk5YUSJ9LCJw"
    "dXJjaGFzZV91bml0cyI6W3sicmVmZXJlbmNlX2lkIjoiZDlmODA3NDAtMzhmMC0xMWU4LWI0NjctMGVkNWY4OWY3MThiIiwi"
    "YW1vdW50Ijp7ImN1cnJlbmN5X2NvZGUiOiJVU0QiLCJ2YWx1ZSI6IjEwMC4wMCJ9LCJwYXllZSI6eyJlbWFpbF9hZGRyZXNz"
    "IjoibWVyY2hhbnRAZXhhbXBsZS5jb20ifSwic2hpcHBpbmciOnsibWV0aG9kIjoiVW5pdGVkIFN0YXRlcyBQb3N0YWwgU2Vy"
    "dmljZSIsImFkZHJlc3MiOnsiYWRkcmVzc19saW5lXzEiOiIyMjExIE4gRmlyc3QgU3RyZWV0IiwiYWRkcmVzc19saW5lXzIi"
    "OiJCdWlsZGluZyAxNyIsImFkbWluX2FyZWFfMiI6IlNhbiBKb3NlIiwiYWRtaW5fYXJlYV8xIjoiQ0EiLCJwb3N0YWxfY29k"
    "ZSI6Ijk1MTMxIiwiY291bnRyeV9jb2RlIjoiVVMifX19XSwiY3JlYXRlX3RpbWUiOiIyMDE4LTA0LTAxVDIxOjE4OjQ5WiIs"
    "InVwZGF0ZV90aW1lIjoiMjAxOC0wNC0wMVQyMToyMDo0OVoiLCJsaW5rcyI6W3siaHJlZiI6Imh0dHBzOi8vYXBpLnBheXBh"
    "bC5jb20vdjIvY2hlY2tvdXQvb3JkZXJzLzVPMTkwMTI3VE4zNjQ3MTVUIiwicmVsIjoic2VsZiIsIm1ldGhvZCI6IkdFVCJ9"
    "LHsiaHJlZiI6Imh0dHBzOi8vYXBpLnBheXBhbC5jb20vdjIvY2hlY2tvdXQvb3JkZXJzLzVPMTkwMTI3VE4zNjQ3MTVUL2Nh"
    "cHR1cmUiLCJtZXRob2QiOiJQT1NUIn1dfSwibGlua3MiOlt7ImhyZWYiOiJodHRwczovL2FwaS5wYXlwYWwuY29tL3YxL25v"
    "dGlmaWNhdGlvbnMvd2ViaG9va3MtZXZlbnRzL1dILUNPQzExMDU1UkE3MTE1MDNCLTRZTTk1OTA5NEExNDQ0MDNUIiwicmVs"
    "Ijoic2VsZiIsIm1ldGhvZCI6IkdFVCJ9LHsiaHJlZiI6Imh0dHBzOi8vYXBpLnBheXBhbC5jb20vdjEvbm90aWZpY2F0aW9u"
    "cy93ZWJob29rcy1ldmVudHMvV0gtQ09DMTEwNTVSQTcxMTUwM0ItNFlNOTU5MDk0QTE0NDQwM1QvcmVzZW5kIiwicmVsIjoi"
    "cmVzZW5kIiwibWV0aG9kIjoiUE9TVCJ9XSwiZXZlbnRfdmVyc2lvbiI6IjEuMCJ9"
)
"""What PayPal's webhook simulator sends, for a webhook that it calls WEBHOOK_ID."""


KEY: Final = cast("RSAPublicKey", load_pem_public_key(KEY_PEM.encode()))


def flipped(raw: bytes, bit: int) -> bytes:
    changed = bytearray(raw)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def refusals(headers: dict[str, str], body: bytes, webhook_id: str = WEBHOOK_ID) -> bool:
    try:
        read_transmission(headers).check(body, webhook_id, KEY)
    except SignatureError:
        return True
    return False


def test_what_paypal_signed_is_taken() -> None:
    assert not refusals(HEADERS, BODY)


def test_no_bit_of_the_body_may_change() -> None:
    taken = [bit for bit in range(len(BODY) * 8) if not refusals(HEADERS, flipped(BODY, bit))]

    assert taken == []


@pytest.mark.parametrize("name", ["transmission-id", "transmission-time", "transmission-sig", "auth-algo"])
def test_no_bit_of_a_header_may_change(name: str) -> None:
    raw = HEADERS[f"paypal-{name}"].encode()

    taken = [
        bit
        for bit in range(len(raw) * 8)
        if not refusals({**HEADERS, f"paypal-{name}": flipped(raw, bit).decode("latin-1")}, BODY)
    ]

    assert taken == []


@pytest.mark.parametrize("name", [name for name in HEADERS if name != "paypal-auth-version"])
def test_a_delivery_without_one_of_its_headers_is_refused(name: str) -> None:
    with pytest.raises(SignatureError, match="missing_header"):
        read_transmission({key: value for key, value in HEADERS.items() if key != name})


def test_a_delivery_for_another_webhook_is_refused() -> None:
    assert refusals(HEADERS, BODY, "WEBHOOK_ID2")


def test_a_signature_of_nothing_is_refused() -> None:
    transmission = replace(read_transmission(HEADERS), signature="")

    with pytest.raises(SignatureError, match="mismatch"):
        transmission.check(BODY, WEBHOOK_ID, KEY)
