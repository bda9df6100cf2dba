"""The text of a ProVerif model: the honest ends of `ends12` and `ends13` as processes that run any number of times.

Each end is a list of lines in the language of ProVerif. What the search asks of Alice's deduction is here a rule of the
language (`reduc`), and her powers are processes that work for her.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.finder.powers import assumed, goal_named, uses_key
from trustlab.finder.terms import FinderError

if TYPE_CHECKING:
    from trustlab.passage import Binder, Design

HEAD = """free c: channel.
free pin, balance: bitstring [private].
free skCA, skPriv: bitstring [private].
free imgBank, imgTeller, imgEvil, mBank, mTeller, mAlice, nameBank, nameTeller, nothing: bitstring.
free tcb, password: bitstring.
free certt, akt, quotet, keyt, cvt, fint_c, fint_s, reqt, evt, appc, apps, autht: bitstring.
free mainl, appl, expl, hsl, attl, basel, tL, tS, tC, tK, labS, labC, labB: bitstring.
fun pk(bitstring): bitstring.
fun aenc(bitstring, bitstring, bitstring): bitstring.
reduc forall k: bitstring, m: bitstring, r: bitstring; adec(k, aenc(pk(k), m, r)) = m.
fun sign(bitstring, bitstring): bitstring.
reduc forall k: bitstring, m: bitstring; checksign(sign(k, m), pk(k)) = m.
reduc forall k: bitstring, m: bitstring; getmess(sign(k, m)) = m.
fun senc(bitstring, bitstring): bitstring.
reduc forall k: bitstring, m: bitstring; sdec(senc(m, k), k) = m.
fun h(bitstring): bitstring.
fun mac(bitstring, bitstring): bitstring.
fun kdf(bitstring, bitstring): bitstring.
event TellerTrusts(bitstring).
event TellerKey(bitstring).
event BankKey(bitstring).
table keyof(bitstring, bitstring)."""
AGREEMENT = """const g: bitstring.
fun exp(bitstring, bitstring): bitstring.
equation forall x: bitstring, y: bitstring; exp(exp(g, x), y) = exp(exp(g, y), x)."""
QUERIES = {
    "pin": "query attacker(pin).",
    "balance": "query attacker(balance).",
    "peer": "query m: bitstring; event(TellerTrusts(m)) ==> m = mBank.",
    "agree": "query k: bitstring; event(TellerKey(k)) ==> event(BankKey(k)).",
}
FIELD_TEXTS = {
    **{name: f"t{name}" for name in "LSCK"},
    "nonce_C": "nC",
    "nonce_S": "nS",
    "client_random": "cr",
    "server_random": "sr",
    **{f"H(SPKI_{side}){mark}": f"h(p{side})" for side in "SC" for mark in ("", "?")},
    "H(HPKE_S)": "h(hpkeS)",
    "HMAC(PMS)": "mac(pms, (cr, sr))",
    "H(EPMS)": "h(epms)",
    "session_hash": "sh_",
    "attest_secret": "kdf(hs, (attl, chsh))",
    "early_exporter": "kdf(hs, (expl, chsh))",
    "early_exporter without hellos": "kdf(hs, (expl, nothing))",
    "standard_early_exporter": "kdf(expl, (cr, gx, nC))",
    **{f"expat(SPKI_{side})": f"h((p{side}, kdf(ms, (expl, nothing, ctx, tf))))" for side in "SC"},
    **{f"early(SPKI_{side})": f"kdf(kdf(basel, chsh), h(p{side}))" for side in "SC"},
    **{
        f"exporter{role}{without}": f"kdf(ms, (expl, {label}, {'nothing' if without else 'ctx'}, tf))"
        for role, label in (("_server", "labS"), ("_client", "labC"), ("", "labB"))
        for without in ("", " without context")
    },
}
"""Every field of a binder over the names that both processes use; the same names as `terms.FIELD_TERMS`."""
AUTHENTICATED = "(autht, h((kdf(ms, (expl, autht, tf)), {context}, {certificate}, {evidence})))"


def binder_text(binder: Binder | None) -> str:
    """Return a binder in the language of ProVerif."""
    if binder is None or not binder.fields:
        return "nothing"
    texts = [FIELD_TEXTS[name] for name in binder.fields]
    return texts[0] if binder.bare else f"h(({', '.join(texts)}))"


class Model:
    """The parts of one model, for a design with what the powers change about it."""

    def __init__(self, design: Design, powers: frozenset[str], goal: str) -> None:
        self.design, self.powers, self.goal = assumed(design, powers), powers, goal
        d = self.design
        self.in_handshake, self.agrees = d.when == "handshake", d.tls == "1.3" or not d.transports_key
        self.strict = "lax-peer" not in powers
        self.uses_key = uses_key(d, powers)
        self.proves_key = d.attests_key and d.when not in {"before", "inside"}
        self.asks_policy = self.proves_key and "key policy" not in d.not_demanded
        self.policy = "(tcb, imgBank)" if d.key_origin == "tcb" else "password"

    # evidence

    def bank_evidence(self) -> str:
        """Return the bank's evidence."""
        if self.design.server is None:
            return "nothing"
        key = f"sign(ak, (keyt, pS, {self.policy}))" if self.proves_key else "nothing"
        return f"(akc, sign(ak, (quotet, imgBank, {binder_text(self.design.server)})), {key})"

    def teller_evidence(self) -> str:
        """Return the teller's evidence."""
        key = "sign(akT, (keyt, pC, (tcb, imgTeller)))" if self.design.client_key else "nothing"
        return f"(akcT, sign(akT, (quotet, imgTeller, {binder_text(self.design.client)})), {key})"

    def appraise(self, side: str) -> list[str]:
        """Return the lines in which the other end judges the evidence `evS` or `evC`."""
        of_server = side == "S"
        binder = self.design.server if of_server else self.design.client
        if binder is None or (of_server and not self.strict):
            return []
        key, image = (self.proves_key, "imgBank") if of_server else (self.design.client_key, "imgTeller")
        lines = [f"let (ac{side}: bitstring, q{side}: bitstring, ka{side}: bitstring) = ev{side} in"]
        lines += [f"let (=akt, m{side}: bitstring, pa{side}: bitstring) = checksign(ac{side}, pk(skPriv)) in"]
        if "unpinned" not in self.powers:
            lines += [f"if m{side} = mBank || m{side} = mTeller then"]
        lines += [f"let (=quotet, ={image}, b{side}: bitstring) = checksign(q{side}, pa{side}) in"]
        lines += [f"if b{side} = {binder_text(binder)} then"]
        if key:
            lines += [f"let (=keyt, =p{side}, pol{side}: bitstring) = checksign(ka{side}, pa{side}) in"]
            if self.asks_policy if of_server else True:
                lines += [f"if pol{side} = (tcb, {image}) then"]
        return lines

    def teller_signs(self, covered: str) -> str:
        """Return the teller's CertificateVerify, if it has a key."""
        return f"let cvC = {f'sign(skC, {covered})' if self.design.client_key else 'nothing'} in"

    @property
    def teller_shows(self) -> str:
        """The teller's key and certificate."""
        shown = ("pk(skC)", "certC0") if self.design.client_key else ("nothing", "nothing")
        return "let pC = {} in let certC = {} in".format(*shown)

    def bank_reads_key(self, covered: str) -> list[str]:
        """Return the lines in which the bank reads the client's certificate and signature."""
        if not self.design.client_key:
            return ["let pC = nothing in"]
        read = "let (=certt, nmC: bitstring, pC: bitstring) = checksign(certC, pk(skCA)) in"
        return [read, f"if checksign(cvC, pC) = {covered} then"]

    # TLS 1.2

    def bank12(self) -> list[str]:
        """Return a bank on TLS 1.2."""
        nonce = ", nC: bitstring" if self.in_handshake else ""
        lines = [f"in(c, nC: bitstring); out(c, {self.bank_evidence()});"] if self.design.when == "before" else []
        lines += [f"in(c, (cr: bitstring{nonce}));", "new sr: bitstring; new nS: bitstring;"]
        if self.agrees:
            lines += ["new y: bitstring; let gy = exp(g, y) in let ske = sign(skS, (cvt, cr, sr, gy)) in"]
        else:
            lines += ["let gy = nothing in let ske = nothing in"]
        lines += [f"let evS = {self.bank_evidence() if self.in_handshake else 'nothing'} in"]
        lines += ["out(c, (sr, nS, certS, evS, gy, ske));"]
        lines += ["in(c, (evC0: bitstring, certC: bitstring, epms: bitstring, cvC: bitstring));"]
        lines += ["let pms = exp(epms, y) in" if self.agrees else "let pms = adec(skS, epms) in"]
        if self.agrees and "dh-known" in self.powers:
            lines += ["out(c, pms);"]
        lines += [self.transcript12("evS"), *self.bank_reads_key("(cvt, t0)"), self.master12]
        lines += ["in(c, fC: bitstring); if fC = mac(ms, (fint_c, t0, cvC)) then"]
        if self.in_handshake and self.design.client:
            lines += ["let evC = evC0 in", *self.appraise("C")]
        lines += ["event BankKey(ms);", "out(c, mac(ms, (fint_s, t0, cvC, fC)));"]
        if self.design.when == "inside":
            lines += ["in(c, x1: bitstring); let (=reqt, nC: bitstring) = sdec(x1, ms) in"]
            lines += [f"out(c, senc((evt, {self.bank_evidence()}), ms));"]
        if self.design.when == "after-finished":
            lines += ["new nS2: bitstring; out(c, senc((tS, reqt, nS2), ms)); let nS = nS2 in"]
            lines += ["in(c, x1: bitstring); let (=tC, =reqt, nC: bitstring) = sdec(x1, ms) in"]
            lines += [f"out(c, senc((tS, evt, {self.bank_evidence()}), ms));"]
            lines += ["in(c, x2: bitstring); let (=tC, =evt, evC: bitstring) = sdec(x2, ms) in", *self.appraise("C")]
        return [*lines, *self.answer("ms")]

    def teller12(self) -> list[str]:
        """Return the teller on TLS 1.2."""
        lines = []
        if self.design.when == "before":
            lines += ["new nC: bitstring; out(c, nC); in(c, evS: bitstring); let pS = nothing in", *self.appraise("S")]
        fresh = ("new nC: bitstring; ", ", nC") if self.in_handshake else ("", "")
        lines += [f"new cr: bitstring; {fresh[0]}out(c, (cr{fresh[1]}));"]
        lines += [
            "in(c, (sr: bitstring, nS: bitstring, certS: bitstring, evS0: bitstring, gy: bitstring, ske: bitstring));"
        ]
        lines += ["let (=certt, =nameBank, pS1: bitstring) = checksign(certS, pk(skCA)) in let pS = pS1 in"]
        if self.agrees:
            lines += ["if checksign(ske, pS) = (cvt, cr, sr, gy) then"]
        if self.in_handshake and self.design.server:
            lines += ["let evS = evS0 in", *self.appraise("S")]
        if self.agrees:
            lines += ["new x: bitstring; let epms = exp(g, x) in let pms = exp(gy, x) in"]
        else:
            lines += ["new pms: bitstring; new rr: bitstring; let epms = aenc(pS, pms, rr) in"]
        proves = self.in_handshake and self.design.client is not None
        lines += [self.teller_shows, f"let evC0 = {self.teller_evidence() if proves else 'nothing'} in"]
        lines += [self.transcript12("evS0"), self.teller_signs("(cvt, t0)"), "out(c, (evC0, certC, epms, cvC));"]
        lines += [self.master12, "let fC = mac(ms, (fint_c, t0, cvC)) in out(c, fC);"]
        lines += ["in(c, fS: bitstring); if fS = mac(ms, (fint_s, t0, cvC, fC)) then"]
        if self.design.when == "inside":
            lines += ["new nC: bitstring; out(c, senc((reqt, nC), ms));"]
            lines += ["in(c, y1: bitstring); let (=evt, evS: bitstring) = sdec(y1, ms) in", *self.appraise("S")]
        if self.design.when == "after-finished":
            lines += ["new nC: bitstring; out(c, senc((tC, reqt, nC), ms));"]
            lines += ["in(c, y1: bitstring); let (=tS, =reqt, nS2: bitstring) = sdec(y1, ms) in let nS = nS2 in"]
            lines += [f"out(c, senc((tC, evt, {self.teller_evidence()}), ms));"]
            lines += ["in(c, y2: bitstring); let (=tS, =evt, evS: bitstring) = sdec(y2, ms) in", *self.appraise("S")]
        return [*lines, *self.order("ms")]

    def transcript12(self, evidence: str) -> str:
        """Return the line that names the transcript up to ClientKeyExchange, and the session hash."""
        nonce = "nC" if self.in_handshake else "nothing"
        return f"let t0 = (cr, {nonce}, sr, nS, certS, {evidence}, gy, ske, evC0, certC, epms) in let sh_ = h(t0) in"

    @property
    def master12(self) -> str:
        """The line that derives the master secret."""
        return f"let ms = {'kdf(pms, sh_)' if self.design.extended_master_secret else 'kdf(pms, (cr, sr))'} in"

    # TLS 1.3

    def bank13(self) -> list[str]:
        """Return a bank on TLS 1.3."""
        lines = ["in(c, (cr: bitstring, gx: bitstring, nC: bitstring));"]
        lines += [
            "new sr: bitstring; new nS: bitstring; new y: bitstring; let gy = exp(g, y) in let dh = exp(gx, y) in"
        ]
        lines += ["out(c, dh);"] if "dh-known" in self.powers else []
        lines += ["let chsh = h((cr, gx, nC, sr, nS, gy)) in let hs = kdf(dh, hsl) in"]
        lines += [f"let evS = {self.bank_evidence() if self.in_handshake else 'nothing'} in"]
        lines += ["let t1 = h((chsh, certS, evS)) in let cvS = sign(skS, (cvt, tS, t1)) in"]
        lines += ["let fS = mac(kdf(hs, (fint_s, chsh)), (t1, cvS)) in out(c, (sr, nS, gy, certS, evS, cvS, fS));"]
        lines += [TRAFFIC, "in(c, (certC: bitstring, evC0: bitstring, cvC: bitstring, fC: bitstring));"]
        lines += self.bank_reads_key("(cvt, tC, h((tf, certC, evC0)))")
        lines += ["if fC = mac(kdf(hs, (fint_c, chsh)), (tf, certC, evC0, cvC)) then"]
        if self.in_handshake and self.design.client:
            lines += ["let evC = evC0 in", *self.appraise("C")]
        lines += ["event BankKey(ak_);"]
        if self.design.when == "after-finished":
            signed = AUTHENTICATED.format(context="ctxT", certificate="certS", evidence="evS2")
            lines += ["in(c, x1: bitstring); let (=tC, =reqt, ctxT: bitstring) = sdec(x1, ak_) in"]
            lines += ["new ctxB: bitstring; out(c, senc((tS, reqt, ctxB), ak_)); let ctx = ctxT in"]
            lines += [
                f"let evS2 = {self.bank_evidence()} in",
                f"out(c, senc((tS, evt, evS2, sign(skS, {signed})), ak_));",
            ]
            lines += self.reads_authenticator("C", "ctxB")
        return [*lines, *self.answer("ak_")]

    def teller13(self) -> list[str]:
        """Return the teller on TLS 1.3."""
        lines = ["new cr: bitstring; new nC: bitstring; new x: bitstring; let gx = exp(g, x) in out(c, (cr, gx, nC));"]
        lines += ["in(c, (sr: bitstring, nS: bitstring, gy: bitstring, certS: bitstring, evS0: bitstring,"]
        lines += ["       cvS: bitstring, fS: bitstring)); let dh = exp(gy, x) in"]
        lines += ["let chsh = h((cr, gx, nC, sr, nS, gy)) in let hs = kdf(dh, hsl) in"]
        lines += ["let (=certt, =nameBank, pS: bitstring) = checksign(certS, pk(skCA)) in"]
        lines += ["let t1 = h((chsh, certS, evS0)) in if checksign(cvS, pS) = (cvt, tS, t1) then"]
        lines += ["if fS = mac(kdf(hs, (fint_s, chsh)), (t1, cvS)) then"]
        if self.in_handshake and self.design.server:
            lines += ["let evS = evS0 in", *self.appraise("S")]
        proves = self.in_handshake and self.design.client is not None
        lines += [TRAFFIC, self.teller_shows, f"let evC0 = {self.teller_evidence() if proves else 'nothing'} in"]
        lines += [self.teller_signs("(cvt, tC, h((tf, certC, evC0)))")]
        lines += ["out(c, (certC, evC0, cvC, mac(kdf(hs, (fint_c, chsh)), (tf, certC, evC0, cvC))));"]
        if self.design.when == "after-finished":
            signed = AUTHENTICATED.format(context="ctxB", certificate="certC", evidence="evC2")
            proof = f"sign(skC, {signed})" if self.design.client_key else "nothing"
            lines += ["new ctxT: bitstring; out(c, senc((tC, reqt, ctxT), ak_));"]
            lines += ["in(c, y1: bitstring); let (=tS, =reqt, ctxB: bitstring) = sdec(y1, ak_) in let ctx = ctxB in"]
            lines += [f"let evC2 = {self.teller_evidence()} in", f"out(c, senc((tC, evt, evC2, {proof}), ak_));"]
            lines += self.reads_authenticator("S", "ctxT")
        return [*lines, *self.order("ak_")]

    def reads_authenticator(self, side: str, context: str) -> list[str]:
        """Return the lines in which an end reads the peer's authenticator for its own request."""
        lines = [
            f"in(c, z{side}: bitstring);",
            f"let (=t{side}, =evt, ev{side}: bitstring, au{side}: bitstring) = sdec(z{side}, ak_) in",
        ]
        if side == "S" or self.design.client_key:
            signed = AUTHENTICATED.format(context=context, certificate=f"cert{side}", evidence=f"ev{side}")
            lines += [f"if checksign(au{side}, p{side}) = {signed} then"]
        return [*lines, f"let ctx = {context} in", *self.appraise(side)]

    # both versions

    def answer(self, key: str) -> list[str]:
        """Return the bank's answer to an order."""
        read = f"in(c, x3: bitstring); let (=appc, order: bitstring) = sdec(x3, {key}) in"
        return [read, f"out(c, senc((apps, balance), {key}))."]

    def order(self, key: str) -> list[str]:
        """Return the teller's order; for the goal `peer`, with the machine that has the key as ground truth."""
        sends = f"out(c, senc((appc, pin), {key}))"
        if self.goal == "peer":
            return [
                f"event TellerKey({key});",
                f"get keyof(=pS, mach) in (event TellerTrusts(mach); {sends}) else {sends}.",
            ]
        return [f"event TellerKey({key});", f"{sends}."]

    def text(self) -> str:
        """Return the whole model."""
        bank, teller = (
            (self.bank12(), self.teller12()) if self.design.tls == "1.2" else (self.bank13(), self.teller13())
        )
        parts = [f"(* {self.design.name}: {self.goal}, with {', '.join(sorted(self.powers))} *)", HEAD]
        parts += [AGREEMENT] if self.agrees else []
        parts += [QUERIES[self.goal]]
        parts += [
            _process(
                "Bank(skS: bitstring, certS: bitstring, ak: bitstring, akc: bitstring)", ["let pS = pk(skS) in", *bank]
            )
        ]
        parts += [_process("Teller(akT: bitstring, akcT: bitstring, skC: bitstring, certC0: bitstring)", teller)]
        return "\n".join([*parts, *self.main()]) + "\n"

    def main(self) -> list[str]:
        """Return the processes that work for Alice, and the one that starts everything."""
        d, powers = self.design, self.powers
        helpers, runs = [], ["!Bank(skS, certS, akB, akcB)", "!Teller(akT, akcT, skC, certC)"]
        if "ca" in powers:
            helpers += ["let Ca() = in(c, (nm: bitstring, k: bitstring)); out(c, sign(skCA, (certt, nm, k)))."]
            runs += ["!Ca()"]
        if self.uses_key:
            helpers += ["let Use(skS: bitstring) = (in(c, m: bitstring); out(c, sign(skS, m)))"]
            helpers += ["  | (in(c, m: bitstring); out(c, adec(skS, m)))."]
            runs += ["!Use(skS)"]
        if "evil-image" in powers:
            helpers += ["let Evil(akA: bitstring, akcA: bitstring) ="]
            helpers += ["  (in(c, b: bitstring); out(c, (akcA, sign(akA, (quotet, imgEvil, b)))))"]
            helpers += ["  | (in(c, k: bitstring); out(c, sign(akA, (keyt, k, (tcb, imgEvil)))))."]
            runs += ["!Evil(akA, akcA)"]
        told = ["pk(skCA)", "pk(skPriv)", "pk(skS)", "pk(skC)", "certS", "certC", "akcB", "akcT", "akcA"]
        if "own-machine" in powers:
            runs += ["!Bank(skA, certA, akA, akcA)"]
            told += ["certA"]
        if "copy" in powers and d.key_origin == "deployed":
            told += ["skS"]
        if "ak-leaked" in powers:
            told += ["akB", "akT", "akA"]
        return [
            *helpers,
            "process",
            *(f"  {line}" for line in SETUP),
            f"  out(c, ({', '.join(told)}));",
            f"  ({' | '.join(f'({r})' for r in runs)})",
        ]


TRAFFIC = "let tf = h((t1, cvS, fS)) in let ms = kdf(hs, mainl) in let ak_ = kdf(ms, (appl, tf)) in"
SETUP = (
    "new akB: bitstring; new akT: bitstring; new akA: bitstring;",
    "new skS: bitstring; new skC: bitstring; new skA: bitstring;",
    "let akcB = sign(skPriv, (akt, mBank, pk(akB))) in let akcT = sign(skPriv, (akt, mTeller, pk(akT))) in",
    "let akcA = sign(skPriv, (akt, mAlice, pk(akA))) in",
    "let certS = sign(skCA, (certt, nameBank, pk(skS))) in let certC = sign(skCA, (certt, nameTeller, pk(skC))) in",
    "let certA = sign(skCA, (certt, nameBank, pk(skA))) in",
    "insert keyof(pk(skS), mBank); insert keyof(pk(skA), mAlice);",
)


def _process(head: str, lines: list[str]) -> str:
    return "\n".join([f"let {head} =", *(f"  {line}" for line in lines)])


def model_of(design: Design, powers: frozenset[str], goal: str) -> str:
    """Return the model of a design for one goal; FinderError if no model is written for its placement."""
    if design.tls == "1.3" and design.when in {"before", "inside"}:
        raise FinderError(
            f"there is no model for ProVerif of TLS 1.3 with when={design.when!r}: choose handshake or after-finished"
        )
    return Model(design, powers, goal_named(goal)).text()
