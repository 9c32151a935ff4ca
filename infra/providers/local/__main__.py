"""Starts the provider plugin of this machine."""

from __future__ import annotations

import asyncio

from infra.providers.local.plugin import Servicer
from infra.providers.protocol.server import serve

if __name__ == "__main__":
    asyncio.run(serve(Servicer()))
