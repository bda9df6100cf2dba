"""HMAC made of two hashes is what everybody else's HMAC is."""

from __future__ import annotations

import hmac as reference

from hypothesis import given
from hypothesis import strategies as st

from trustlab.tls.mac import hmac

HASHES = st.sampled_from(["sha256", "sha384"])


@given(st.binary(max_size=300), st.binary(max_size=300), HASHES)
def test_hmac_is_the_standard_library_s(key: bytes, message: bytes, name: str) -> None:
    assert hmac(key, message, name) == reference.digest(key, message, name)


def test_hmac_gives_the_digest_of_rfc_4231() -> None:
    """Test case 2, and 6 whose key is longer than a block."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert hmac(b"Jefe", b"what do ya want for nothing?", "sha256").hex() == expected
    expected = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    message = b"Test Using Larger Than Block-Size Key - Hash Key First"
    assert hmac(b"\xaa" * 131, message, "sha256").hex() == expected
