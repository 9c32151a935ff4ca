"""Ctrl-C at any moment: one line, exit code 130, no traceback."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from aifactory_runtime import interrupt
from aifactory_runtime.interrupt import CODE, LINE

MOMENTS = {
    "imports": "import signal; signal.raise_signal(signal.SIGINT)",
    "a finalizer": (
        "import signal\n"
        "class Thing:\n"
        "    def __del__(self):\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "del_me = Thing(); del del_me\n"
    ),
    "threads": (
        "import signal, threading, time\n"
        "threading.Thread(target=lambda: time.sleep(0.2)).start()\n"
        "signal.raise_signal(signal.SIGINT)\n"
    ),
    "a library that makes an error of its own of it": (
        "import signal\n"
        "try:\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "except BaseException:\n"
        "    raise TypeError('no validator can be built') from None\n"
    ),
    "a command whose library makes an error of its own of it": (
        "import signal, click\n"
        "from aifactory_runtime import lazy_commands\n"
        "@click.group()\n"
        "def group(): ...\n"
        "@group.command()\n"
        "def build():\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "    except BaseException:\n"
        "        raise TypeError('no validator can be built') from None\n"
        "lazy_commands.run(group, ['build'], 'factory')\n"
    ),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_given_an_interrupt_at_any_moment_then_one_line_and_the_code_that_shells_expect(moment: str) -> None:
    script = (
        "from aifactory_runtime import interrupt\n"
        f"with interrupt.in_one_line():\n    exec({MOMENTS[moment]!r})\n    print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, done.stdout) == (CODE, LINE + "\n", "")


def test_given_no_interrupt_then_the_way_out_is_the_commands_own() -> None:
    script = "import sys\nfrom aifactory_runtime import interrupt\nwith interrupt.in_one_line():\n    sys.exit(3)\n"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 3
    with interrupt.in_one_line():
        assert not interrupt.pressed()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_given_a_command_in_the_background_then_it_goes_on_ignoring_the_key() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupt.in_one_line():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
