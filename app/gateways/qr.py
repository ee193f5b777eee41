"""QR codes as pictures, for gateways that tell what a code says."""

from __future__ import annotations

import io

import segno


def qr_svg(payload: str) -> str:
    """Return a code as an SVG image: level M, as codes for UPI are printed, with ISO/IEC 18004's margin of four."""
    picture = io.BytesIO()
    segno.make_qr(payload, error="m").save(picture, kind="svg", border=4, scale=4, xmldecl=False)
    return picture.getvalue().decode().strip()
