#!/bin/sh
# Make this checkout's environment: uv, then .venv from the hash-pinned lock. Safe to run again; does nothing when current.
# `./bootstrap.sh clouds` adds what the clouds' programs and tests need; a later run without it keeps that.
set -eu
cd "$(dirname "$0")"

began=$(date +%s)
say() { printf '%s\n' "$*" >&2; }

python=""
for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3; do
    if [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 &&
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
[ -n "$python" ] || { say "bootstrap: Python 3.11 or newer is missing; install it, or name it with PYTHON=..."; exit 1; }
command -v git >/dev/null 2>&1 || { say "bootstrap: git is missing; install it"; exit 1; }

lock=requirements/dev.txt
if [ "${1:-}" = clouds ] || [ -e .venv/.clouds ]; then lock=requirements/clouds.txt; fi

stamp=$({ cat $lock pyproject.toml; "$python" --version; } | sha256sum | cut -c1-16)
[ "$(cat .venv/.stamp 2>/dev/null)" = "$stamp" ] && exit 0

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
    uv=.uv/bin/uv
    if [ ! -x "$uv" ]; then
        say "Installing uv into .uv ..."
        rm -rf .uv
        "$python" -m venv .uv || { say "bootstrap: $python has no venv module; install python3-venv, or uv itself"; exit 1; }
        .uv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/uv.txt
    fi
fi

# Compiling all packages takes most of the time, so a changed setting in pyproject.toml alone does not set it off.
locked=$({ cat $lock; "$python" --version; } | sha256sum | cut -c1-16)
rm -f .venv/.stamp
if [ "$(cat .venv/.locked 2>/dev/null)" != "$locked" ]; then
    say "Installing the locked packages into .venv ..."
    rm -f .venv/.locked
    "$uv" venv --quiet --allow-existing --python "$python" .venv
    "$uv" pip sync --quiet --require-hashes --compile-bytecode --python .venv/bin/python $lock
    printf '%s\n' "$locked" >.venv/.locked
    [ $lock = requirements/dev.txt ] || touch .venv/.clouds
fi
"$uv" pip install --quiet --no-deps --no-build-isolation --python .venv/bin/python -e .
printf '%s\n' "$stamp" >.venv/.stamp
say "environment made, $(($(date +%s) - began)) s"
