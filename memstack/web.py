"""The web process: uvicorn on the listening socket that the supervisor holds.

The socket outlives a web process, so that a restart refuses no connection and no other program can take the port.
"""

from __future__ import annotations

import socket
import sys

import uvicorn


def main(descriptor: int) -> None:
    config = uvicorn.Config(
        "memstack.asgi:application",
        timeout_graceful_shutdown=3,
        access_log=False,
        log_config=None,
        server_header=False,
        ws="none",
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(int(sys.argv[1]))
