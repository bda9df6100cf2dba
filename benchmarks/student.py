"""One student of a class: a server from the hub, a page, a kernel, and all cells of a notebook, one after the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from benchmarks.hub import Hub

CELL_SECONDS = 900
"""A cell that takes longer has failed, on the busiest of machines."""


READY_SECONDS = 20
"""After so long without an answer a new kernel is asked again."""


class StudentFailed(Exception):  # noqa: N818 - named for what happened
    """What a student could not do, in a sentence."""


class LineClosed(Exception):  # noqa: N818
    """The websocket to a kernel was closed by the other side."""


class CellError(Exception):
    """What a cell raised."""


class Student:
    """A student at their browser, over JupyterHub's REST API and their kernels' websockets."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.name = name
        self._hub = hub
        self._began = 0.0
        self.first_result = 0.0
        """Seconds from arrival to the first words that a cell printed."""

    async def open(self) -> None:
        """Open the browser."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=60, sock_read=CELL_SECONDS)
        self._session = aiohttp.ClientSession(timeout=timeout)

    async def close(self) -> None:
        """Close it."""
        await self._session.close()

    async def arrive(self) -> None:
        """Ask the hub for a server, wait for it, and open JupyterLab. StudentFailed."""
        self._began = time.monotonic()
        by_hub = {"Authorization": f"token {self._hub.token}"}
        users = f"/hub/api/users/{self.name}"
        await self._ask("POST", users, by_hub)
        token = (await self._ask("POST", f"{users}/tokens", by_hub))["token"]
        self._own = {"Authorization": f"token {token}"}
        await self._ask("POST", f"{users}/server", self._own)
        await self._server(f"{users}/server/progress")
        await self._ask("GET", f"/user/{self.name}/lab", self._own)

    async def run(self, cells: Sequence[str]) -> None:
        """Run cells in a new kernel, which stays. StudentFailed at the first error."""
        kernel = (await self._ask("POST", f"/user/{self.name}/api/kernels", self._own))["id"]
        channels = f"{self._hub.url}/user/{self.name}/api/kernels/{kernel}/channels"
        until = time.monotonic() + CELL_SECONDS
        while time.monotonic() < until:
            try:
                async with self._session.ws_connect(channels, headers=self._own, max_msg_size=0) as line:
                    await self._kernel_hears(line)
                    for number, cell in enumerate(cells, 1):
                        await self._run_cell(line, number, cell)
                    return
            except (LineClosed, aiohttp.ClientError):  # a kernel that starts slowly: JupyterLab tries again
                await asyncio.sleep(1)
        raise StudentFailed(f"the kernel did not answer for {CELL_SECONDS} s")

    async def _kernel_hears(self, line: aiohttp.ClientWebSocketResponse) -> None:
        """Ask the kernel who it is until it answers on both channels: before that, output of a cell may be lost."""
        for _ in range(int(CELL_SECONDS / READY_SECONDS)):
            with contextlib.suppress(TimeoutError):
                return await self._request(line, "kernel_info_request", {}, READY_SECONDS)
        raise LineClosed

    async def _run_cell(self, line: aiohttp.ClientWebSocketResponse, number: int, cell: str) -> None:
        content = {"code": cell, "silent": False, "store_history": True, "stop_on_error": True}
        try:
            await self._request(line, "execute_request", content, CELL_SECONDS)
        except (LineClosed, aiohttp.ClientError):
            raise StudentFailed(f"cell {number}: the line to the kernel was closed") from None
        except TimeoutError:
            raise StudentFailed(f"cell {number}: not done after {CELL_SECONDS} s") from None
        except CellError as error:
            raise StudentFailed(f"cell {number}: {error}") from None

    async def _request(
        self, line: aiohttp.ClientWebSocketResponse, kind: str, content: dict[str, object], seconds: float
    ) -> None:
        """Send a request, and wait until it is answered and the kernel is idle. LineClosed, CellError, TimeoutError."""
        request = uuid.uuid4().hex
        header = {
            "msg_id": request,
            "msg_type": kind,
            "username": self.name,
            "session": request,
            "version": "5.3",
        }
        await line.send_json(
            {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content}
        )
        replied = idle = False
        async with asyncio.timeout(seconds):
            while not (replied and idle):
                got = await line.receive()
                if got.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                    raise LineClosed
                message = _message(got.data)
                if message["parent_header"].get("msg_id") != request:
                    continue
                told, content = message["header"]["msg_type"], message["content"]
                if told == "error":
                    raise CellError(f"{content['ename']}: {content['evalue']}")
                if told == "stream" and not self.first_result:
                    self.first_result = time.monotonic() - self._began
                replied |= told == kind.replace("_request", "_reply")
                idle |= told == "status" and content["execution_state"] == "idle"

    async def _server(self, path: str) -> None:
        """Wait until the server is ready. The hub tells how it goes on; a proxy may end its line, as for a browser."""
        until = time.monotonic() + CELL_SECONDS
        while time.monotonic() < until:
            async for progress in self._events(path):
                if progress.get("failed"):
                    raise StudentFailed(f"the server did not start: {progress.get('message')}")
                if progress.get("ready"):
                    return
            await asyncio.sleep(1)
        raise StudentFailed(f"the server was not ready after {CELL_SECONDS} s")

    async def _ask(self, method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
        async with self._session.request(method, self._hub.url + path, headers=headers) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise StudentFailed(f"{method} {path}: HTTP {answer.status} {answer.reason}")
            return json.loads(text) if answer.content_type == "application/json" and text else {}

    async def _events(self, path: str) -> AsyncIterator[dict[str, str]]:
        async with self._session.get(self._hub.url + path, headers=self._own) as answer:
            async for line in answer.content:
                if line.startswith(b"data:"):
                    yield json.loads(line[5:])


def _message(data: str | bytes) -> dict[str, dict[str, str]]:
    """Read a message of the kernel's; one with buffers begins with their number and offsets, and the first is JSON."""
    if isinstance(data, str):
        return json.loads(data)
    start = int.from_bytes(data[4:8], "big")
    end = int.from_bytes(data[8:12], "big") if int.from_bytes(data[:4], "big") > 1 else len(data)
    return json.loads(data[start:end])
