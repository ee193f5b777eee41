# syntax=docker/dockerfile:1

# The Python and the Debian that the tests run on.
FROM python:3.11.15-slim-bookworm AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_NO_INPUT=1

WORKDIR /source

RUN python -m venv /venv
ENV PATH=/venv/bin:$PATH

# The dependencies change less often than the source: a layer of their own.
COPY requirements.lock ./
RUN pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE ./
COPY app ./app
COPY db ./db
COPY schema ./schema
# What only building needs is not shipped, pip itself included.
RUN pip install --no-deps --no-build-isolation . \
    && pip uninstall --yes editables hatchling pathspec pluggy setuptools tomlkit trove-classifiers pip


FROM python:3.11.15-slim-bookworm

ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="Orderpulse" \
      org.opencontainers.image.description="The payment-to-order backbone of a storefront" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"

# PostgreSQL refuses to be run by root or by a user without a name. The number is what
# orchestrators compare with their rules about users.
RUN groupadd --gid 10001 orderpulse \
    && useradd --uid 10001 --gid orderpulse --no-log-init --home-dir /data --create-home orderpulse

COPY --from=build /venv /venv

ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    ORDERPULSE_DATA_DIR=/data \
    ORDERPULSE_HOST=0.0.0.0 \
    ORDERPULSE_PORT=8000

USER 10001:10001

# Only the embedded database writes, and only here: the rest may be mounted read-only, with a tmpfs on /tmp.
WORKDIR /data
VOLUME /data

EXPOSE 8000
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['ORDERPULSE_PORT']}/readyz\", timeout=4)"]

ENTRYPOINT ["orderpulse"]
CMD ["serve"]
