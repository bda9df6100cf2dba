"""The resource manager: a TPM has three slots for objects and three for sessions, its clients want more.

What was used longest ago is swapped out (TPM2_ContextSave) only when the TPM says that no slot is free, and back in
when it is used: so Alice cannot keep HyperSafe out by filling the slots. A saved context is encrypted by the TPM, and
of use to nobody else.

Its own commands are put together by hand: it stands below ESAPI, whose clients' handles it makes, and there is no Name
to check in a context.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING

from trustlab.octets import u32
from trustlab.tpm.commands import CODES, COMMANDS, command_name
from trustlab.tpm.errors import GateRefused, TpmResponseError
from trustlab.tpm.framing import HEADER_SIZE, command, header, parameters_of, response_handle
from trustlab.tpm.handles import HandleSpace, LoadedObject, Use
from trustlab.tpm.responses import RC_OBJECT_MEMORY, RC_SESSION_MEMORY

if TYPE_CHECKING:
    from collections.abc import Sequence

Send = Callable[[bytes], bytes]
"""Sends one command's octets, and returns its response's."""

_SAVE, _LOAD, _FLUSH = CODES["ContextSave"], CODES["ContextLoad"], CODES["FlushContext"]
_TRANSIENT = 0x80
_FIRST_HANDLE = 0x80010000
_FULL = {u32(RC_OBJECT_MEMORY): False, u32(RC_SESSION_MEMORY): True}
"""The response codes of a full TPM, and whether it is sessions it has too many of."""
MAX_OBJECTS = 64
MAX_SESSIONS = 16
"""Of one client; a TPM can have 64 sessions under way, loaded or saved."""
_SUCCESS = bytes(4)


class ResourceManager:
    """Keeps the handle spaces of all clients; `own` sends the platform's own commands. The caller holds the lock."""

    def __init__(self, own: Send) -> None:
        self.spaces: list[HandleSpace] = []
        self._own = own
        self._handles = count(_FIRST_HANDLE)
        self._clock = count()

    def space(self, client: str) -> HandleSpace:
        """Return a new, empty handle space."""
        space = HandleSpace(client)
        self.spaces.append(space)
        return space

    def clear(self) -> None:
        """Forget everything: the power went."""
        for space in self.spaces:
            space.clear()

    def flush_all(self) -> None:
        """Take everything of ours out of a TPM that keeps its power; what cannot be flushed is gone already."""
        for item in self._loaded(session=False):
            self._own(command(_FLUSH, parameters=u32(item.real or 0)))
        for handle in {handle for space in self.spaces for handle in space.sessions}:
            self._own(command(_FLUSH, parameters=u32(handle)))

    def lend(self, handle: int, owner: HandleSpace, to: HandleSpace) -> None:
        """Let another space hold an object as well; it is still one object."""
        owner.owned(handle, "lending")
        item = owner.objects.get(handle)
        if item is None:
            raise GateRefused("foreign handle", "lending", owner.client, f"{handle:#010x} is not a loaded object")
        to.objects[handle] = item

    def send(self, space: HandleSpace, code: int, octets: bytes, used: Sequence[Use], send: Send) -> bytes:
        """Send a client's command in the TPM's own handles and return the response in the client's."""
        while True:
            keep = self._swap_in(space, used)
            response = send(_in_real_handles(space, octets, used) if keep else octets)
            session = _FULL.get(response[6:10])
            if session is None or not self._make_room(keep, session=session):
                break
        if response[6:10] == _SUCCESS:
            return self._account(space, code, used, response)
        return response

    def together(
        self,
        space: HandleSpace,
        commands: Sequence[tuple[bytes, int, Sequence[Use]]],
        send: Callable[[list[bytes]], list[bytes]],
    ) -> list[bytes]:
        """Send commands (octets, code, handles used) that need no room for more than they use; see `send`."""
        keep = self._swap_in(space, [use for _, _, used in commands for use in used])
        responses = send([_in_real_handles(space, octets, used) if keep else octets for octets, _, used in commands])
        return [
            self._account(space, code, used, response) if response[6:10] == _SUCCESS else response
            for (_, code, used), response in zip(commands, responses, strict=True)
        ]

    def swap_all_out(self) -> None:
        """Leave the TPM's slots empty; every object comes back when it is used."""
        for item in self._loaded(session=False):
            self._swap_out(item)

    def _loaded(self, *, session: bool) -> list[LoadedObject]:
        """Return what is in the slots for sessions, or in those for objects; each once, also when it is lent."""
        held = (item for s in self.spaces for item in (s.sessions if session else s.objects).values())
        return list({id(item): item for item in held if item.real is not None}.values())

    def _swap_in(self, space: HandleSpace, used: Sequence[Use]) -> list[LoadedObject]:
        held = (space.objects.get(use.handle) or space.sessions.get(use.handle) for use in used)
        wanted = [item for item in held if item is not None]
        for item in wanted:
            item.used = next(self._clock)
            while item.real is None:
                response = self._own(command(_LOAD, parameters=item.context))
                rc = header(response)[2]
                if rc == 0:
                    item.real, item.context = response_handle(response), b""
                elif u32(rc) not in _FULL or not self._make_room(wanted, session=_FULL[u32(rc)]):
                    raise TpmResponseError(command_name(_LOAD), rc)
        return wanted

    def _make_room(self, keep: Sequence[LoadedObject], *, session: bool) -> bool:
        idle = [item for item in self._loaded(session=session) if not any(item is kept for kept in keep)]
        if not idle:
            return False
        self._swap_out(min(idle, key=lambda item: item.used))
        return True

    def _swap_out(self, item: LoadedObject) -> None:
        if item.real is None:
            return
        item.context = parameters_of(self._succeed(command(_SAVE, (item.real,)))).rest("context")
        if item.real >> 24 == _TRANSIENT:  # a session leaves its slot when it is saved (Part 1, 30.4)
            self._succeed(command(_FLUSH, parameters=u32(item.real)))
        item.real = None

    def _succeed(self, octets: bytes) -> bytes:
        response = self._own(octets)
        rc = header(response)[2]
        if rc:
            raise TpmResponseError(command_name(header(octets)[2]), rc)
        return response

    def _account(self, space: HandleSpace, code: int, used: Sequence[Use], response: bytes) -> bytes:
        """Keep the books after a success: new handles get an owner, ended ones are forgotten."""
        for use in used:
            if use.ends:
                self._forget(space, use.handle)
        row = COMMANDS.get(code)
        if row is None or not row.answer_handle:
            return response
        real = response_handle(response)
        if real >> 24 != _TRANSIENT:
            space.sessions[real] = LoadedObject(real, used=next(self._clock))
            return response
        for other in self.spaces:  # a slot given out anew: whatever we thought was in it is gone
            for handle in [h for h, o in other.objects.items() if o.real == real]:
                other.forget(handle)
        item = LoadedObject(real, used=next(self._clock))
        handle = next(self._handles)
        space.objects[handle] = item
        return response[:HEADER_SIZE] + u32(handle) + response[HEADER_SIZE + 4 :]

    def _forget(self, space: HandleSpace, handle: int) -> None:
        """Forget a flushed object, also for those to whom it was lent."""
        for other in self.spaces if handle in space.objects else [space]:
            other.forget(handle)

    def check_share(self, space: HandleSpace, code: int) -> None:
        """Refuse a command that makes an object or a session to a client that has its share; GateRefused."""
        row = COMMANDS.get(code)
        if row is None or not row.answer_handle:
            return
        if len(space.objects) >= MAX_OBJECTS or len(space.sessions) >= MAX_SESSIONS:
            share = f"it holds {len(space.objects)} objects and {len(space.sessions)} sessions: flush some first"
            raise GateRefused("share", row.full_name, space.client, share)

    # snapshots

    def save(self) -> list[HandleSpace]:
        """Return a copy of all spaces, for `restore`; objects that are lent stay shared within it."""
        return copy.deepcopy(self.spaces)

    def restore(self, saved: Sequence[HandleSpace]) -> None:
        """Put back what `save` returned; clients that came later have nothing."""
        self.clear()
        for space, old in zip(self.spaces, copy.deepcopy(list(saved)), strict=False):
            space.objects, space.sessions = old.objects, old.sessions


def _in_real_handles(space: HandleSpace, octets: bytes, used: Sequence[Use]) -> bytes:
    real = bytearray(octets)
    for use in used:
        item = space.objects.get(use.handle)
        if item is not None and item.real is not None:
            real[use.position : use.position + 4] = u32(item.real)
    return bytes(real)
