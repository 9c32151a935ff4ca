#!/bin/sh
# Resolve every lock again; with --keep what is pinned stays as it is, and only what is new is added.
# dev.txt is the superset; tool, repo, repo-dev and dask are subsets of it, so all agree on versions. clouds.txt is dev.txt
# and what the clouds' programs, repos and tests need; aws is a subset of it.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
upgrade=--upgrade
[ "${1:-}" = --keep ] && upgrade=
compile() { "$uv" pip compile --quiet $upgrade --universal --generate-hashes --no-header --no-annotate --python-version 3.11 "$@"; }

compile requirements/dev.in -o requirements/dev.txt
compile requirements/tool.in -c requirements/dev.txt -o requirements/tool.txt
compile requirements/runtime.in -c requirements/dev.txt -o template/requirements/factory.txt
compile requirements/repo-dev.in -c requirements/dev.txt -o template/requirements/factory-dev.txt
compile requirements/dask.in -c requirements/dev.txt -o template/requirements/factory-dask.txt
compile requirements/clouds.in -c requirements/dev.txt -o requirements/clouds.txt
compile requirements/aws.in -c requirements/dev.txt -c requirements/clouds.txt -o "template/requirements/{% if target == 'aws' %}factory-aws.txt{% endif %}"
compile infra/services/requirements.in -o infra/services/requirements.txt
awk '/^uv==/{on=1; print; next} on && /^    --hash/{print; next} {on=0}' requirements/tool.txt >requirements/uv.txt
# What repos install names what no use case may be called; seen where it is installed.
./bootstrap.sh && .venv/bin/python requirements/import_names.py
