"""The names in the table of commands are those of TPM 2.0 Part 3, as another library has them."""

from __future__ import annotations

import inspect

from tpm2_pytss import ESAPI

from trustlab.tpm.commands import COMMANDS, Command

THEIR_OWN = {
    "ContextLoad": {"context"},  # one structure, which the table cuts into its four fields
    "GetCapability": {"prop"},
    "TestParms": {"parameters"},
    "AC_Send": {"nvauthhandle"},
    "Policy_AC_SendSelect": {"policysession1"},
}
"""Where the library's parameter has another name than the standard's."""
SET_BY_LIBRARY = {
    "GetSessionAuditDigest": {"sessionhandle"},
    "PolicyRestart": {"sessionhandle"},
    "StartAuthSession": {"encryptedsalt", "sessiontype"},
    "CertifyX509": {"reserved"},
    "ContextLoad": {"sequence", "savedhandle", "hierarchy", "contextblob"},
    "GetCapability": {"property"},
    "TestParms": {"parms"},
    "AC_Send": {"authhandle"},
    "Policy_AC_SendSelect": {"policysession"},
}
"""Fields that the library fills in by itself, takes as a session, or calls something else."""
ABSENT = {"ECC_Encrypt", "ECC_Decrypt", "PolicyCapability", "PolicyParameters"}
"""Commands for which the library has no method of this name."""


def plain(name: str) -> str:
    return name.replace("_", "").lower()


def method_of(row: Command) -> object:
    methods = {plain(name): method for name, method in inspect.getmembers(ESAPI, inspect.isfunction)}
    return methods.get(plain(row.name))


def test_every_field_has_the_name_that_the_library_has() -> None:
    checked = 0
    for row in COMMANDS.values():
        method = method_of(row)
        assert (method is None) == (row.name in ABSENT), row.name
        if method is None:
            continue
        taken = {plain(name) for name in inspect.signature(method).parameters}
        theirs = {name for name in taken if name != "self" and name not in {"session1", "session2", "session3"}}
        ours = {plain(name) for name in (*row.handles, *(name for name, _ in row.parameters))}
        missing = ours - theirs - SET_BY_LIBRARY.get(row.name, set())
        assert not missing, (row.name, missing)
        more = {name for name in theirs - ours if not name.startswith("session")}
        assert more == THEIR_OWN.get(row.name, set()), (row.name, more)
        checked += 1
    assert checked > 90
