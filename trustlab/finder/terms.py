"""Terms: what messages are made of, when every octet string is a symbol.

A term is a name (`atom`: nobody knows it unless told; `public`: everybody knows it) or an operation on other terms. Two
terms are equal only if they are built in the same way: a hash never collides, and a signature cannot be guessed. That
is the model of Dolev and Yao (1983). The one equation is that of key agreement: `agreed(x, y)` is `agreed(y, x)`.

Equal terms are the same object. So comparing two terms, and looking one up, costs the same however deep they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustlab.passage import Binder


class FinderError(ValueError):
    """Something was asked for that the finder does not know, or cannot search; the message says what there is."""


class Term:
    """An operator and its parts, of which `terms` are those that are terms; make one with the functions below."""

    __slots__ = ("__weakref__", "operator", "parts", "terms")

    def __init__(self, operator: str, parts: tuple[Term | str, ...]) -> None:
        self.operator = operator
        self.parts = parts
        self.terms = tuple(part for part in parts if isinstance(part, Term))

    def __repr__(self) -> str:
        if self.operator in {"atom", "public"}:
            return str(self.parts[0])
        return f"{self.operator}({', '.join(map(repr, self.parts))})"


_TERMS: WeakValueDictionary[tuple[object, ...], Term] = WeakValueDictionary()


def _term(operator: str, *parts: Term | str) -> Term:
    key = (operator, *parts)
    found = _TERMS.get(key)
    if found is None:
        found = _TERMS[key] = Term(operator, parts)
    return found


def atom(name: str) -> Term:
    """Return a name that only those know who made it or were told."""
    return _term("atom", name)


def public(name: str) -> Term:
    """Return a name that everybody knows: a label, a machine, an image."""
    return _term("public", name)


def seq(*parts: Term) -> Term:
    """Return several terms in order; whoever has them together has each."""
    return _term("seq", *parts)


def pk(private: Term) -> Term:
    """Return the public key of a private key."""
    return _term("pk", private)


def aenc(key: Term, message: Term, coins: Term) -> Term:
    """Return a message, encrypted to a public key; `coins` make each encryption another."""
    return _term("aenc", key, message, coins)


def senc(key: Term, message: Term) -> Term:
    """Return a message, encrypted and authenticated with a symmetric key: a protected record."""
    return _term("senc", key, message)


def sign(private: Term, message: Term) -> Term:
    """Return a signature; it shows the message."""
    return _term("sign", private, message)


def h(message: Term) -> Term:
    """Return a hash."""
    return _term("h", message)


def mac(key: Term, message: Term) -> Term:
    """Return a message authentication code."""
    return _term("mac", key, message)


def kdf(secret: Term, context: Term) -> Term:
    """Return what is derived from a secret and a context."""
    return _term("kdf", secret, context)


def share(exponent: Term) -> Term:
    """Return the public share of a key agreement."""
    return _term("share", exponent)


def agreed(one: Term, other: Term) -> Term:
    """Return the secret that two exponents agree on; the order does not matter."""
    return _term("agreed", *sorted((one, other), key=repr))


NOTHING = public("nothing")
"""An absent value."""

View = dict[str, Term]
"""What one honest end has seen of its connection, by name: randoms, nonces, keys, transcript."""


def _named(name: str) -> Callable[[Mapping[str, Term]], Term]:
    return lambda view: view[name]


def _hash_of(name: str, *, optional: bool = False) -> Callable[[Mapping[str, Term]], Term]:
    def hashed(view: Mapping[str, Term]) -> Term:
        if view[name] is NOTHING and not optional:
            raise KeyError(name)
        return h(view[name])

    return hashed


def _fixed(name: str) -> Callable[[Mapping[str, Term]], Term]:
    return lambda _view: public(name)


def _early(key: str) -> Callable[[Mapping[str, Term]], Term]:
    return lambda view: kdf(kdf(public("attestation base"), view["hellos"]), h(view[key]))


def _early_exporter(*, hellos: bool) -> Callable[[Mapping[str, Term]], Term]:
    return lambda view: kdf(
        view["handshake_secret"], seq(public("tp early exp"), view["hellos"] if hellos else NOTHING)
    )


def _standard_early(view: Mapping[str, Term]) -> Term:
    hello = h(seq(view["client_random"], view["share_C"], view["nonce_C"]))
    return kdf(public("early secret"), seq(public("early exporter"), hello))


def _expat(key: str) -> Callable[[Mapping[str, Term]], Term]:
    exported = _exporter("Attestation", context=True)
    return lambda view: h(seq(view[key], exported(view)))


def _exporter(label: str, *, context: bool) -> Callable[[Mapping[str, Term]], Term]:
    def exported(view: Mapping[str, Term]) -> Term:
        asked = view["context"] if context else NOTHING
        return kdf(view["main_secret"], seq(public("exporter"), public(label), asked, view["transcript"]))

    return exported


FIELD_TERMS: dict[str, Callable[[Mapping[str, Term]], Term]] = {
    **{name: _fixed(f"label {name}") for name in "LSCK"},
    **{name: _named(name) for name in ("nonce_C", "nonce_S", "client_random", "server_random")},
    "H(SPKI_S)": _hash_of("spki_S"),
    "H(SPKI_C)": _hash_of("spki_C"),
    "H(SPKI_S)?": _hash_of("spki_S", optional=True),
    "H(SPKI_C)?": _hash_of("spki_C", optional=True),
    "H(HPKE_S)": _hash_of("hpke_key"),
    "HMAC(PMS)": lambda view: mac(view["pms"], seq(view["client_random"], view["server_random"])),
    "H(EPMS)": _hash_of("epms"),
    "session_hash": _hash_of("transcript"),
    "attest_secret": lambda view: kdf(view["handshake_secret"], seq(public("tp attest"), view["hellos"])),
    "early_exporter": _early_exporter(hellos=True),
    "early_exporter without hellos": _early_exporter(hellos=False),
    "standard_early_exporter": _standard_early,
    "expat(SPKI_S)": _expat("spki_S"),
    "expat(SPKI_C)": _expat("spki_C"),
    "early(SPKI_S)": _early("spki_S"),
    "early(SPKI_C)": _early("spki_C"),
    **{
        f"exporter{role}{without}": _exporter(f"exporter{role}", context=not without)
        for role in ("_server", "_client", "")
        for without in ("", " without context")
    },
}
"""Every field that a binder may name, as a term over a view; `passage.binders.FIELDS` has the same names as octets."""


def _field(name: str, view: Mapping[str, Term]) -> Term:
    try:
        return FIELD_TERMS[name](view)
    except KeyError as error:
        raise FinderError(
            f"a binder of this design has the field {name}, and there is no {error.args[0]} yet where the evidence is "
            "made: choose fields that exist there (docs/passages.md), or another placement"
        ) from None


def bound(binder: Binder | None, view: Mapping[str, Term]) -> Term:
    """Return a binder as a term over one end's view."""
    if binder is None or not binder.fields:
        return NOTHING
    terms = [_field(name, view) for name in binder.fields]
    return terms[0] if binder.bare else h(seq(*terms))
