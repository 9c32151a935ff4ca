"""Starts the plugin that stands in for the vendor named in the first argument, in the home that FACTORY_HOME names."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from infra.providers.emulated import vendors
from infra.providers.emulated.plugin import EmulatedProvider, Servicer
from infra.providers.protocol.server import serve

if __name__ == "__main__":
    provider = EmulatedProvider(vendors.load(sys.argv[1]), Path(os.environ["FACTORY_HOME"]))
    asyncio.run(serve(Servicer(provider)))
