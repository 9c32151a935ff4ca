"""Import names of what a repo's locks install; requirements/import_names.py writes them."""

from __future__ import annotations

_NAMES = """
alembic annotated_doc annotated_types anyio appnope arro3 ast_serialize asttokens boto3 botocore cachetools
certifi cffi cfgv charset_normalizer click cloudpickle colorama comm contourpy cronsim cryptography cycler dask
databricks dateutil debugpy deltalake deprecated distlib distributed dotenv executing fairlearn fastapi filelock
fsspec git gitdb google h11 hatchling httpcore httptools httpx hypothesis identify idna importlib_metadata
iniconfig ipykernel ipykernel_launcher ipython_pygments_lexers jedi jinja2 jmespath joblib jupyter
jupyter_client jupyter_core kiwisolver librt lightgbm locket mako markupsafe matplotlib matplotlib_inline mlflow
mpl_toolkits msgpack msgspec mypy mypy_extensions mypyc narwhals nest_asyncio2 nodeenv numpy obstore
opentelemetry packaging pandas pandas_stubs pandera parso partd pathspec pexpect platformdirs pluggy pre_commit
prettytable prometheus_client prompt_toolkit psutil ptyprocess pure_eval py pyarrow pyasn1 pyasn1_modules
pycparser pydantic pydantic_core pygments pylab pyparsing pytest python_discovery requests ruff s3transfer scipy
six sklearn skops smmap sortedcontainers sqlalchemy sqlparse stack_data starlette swagger_ui_bundle tblib
threadpoolctl tlz tomlkit toolz tornado traitlets trove_classifiers typeguard typing_extensions typing_inspect
typing_inspection tzdata urllib3 uv uvicorn virtualenv wcwidth wrapt wrapt_stubs xgboost yaml zict zipp zmq
"""
IMPORT_NAMES = frozenset(_NAMES.split())
