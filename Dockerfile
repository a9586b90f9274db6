# Two stages: the first has pip and builds, the second has Python, the locked packages and no more.
ARG PYTHON_IMAGE=python:3.11-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /build
RUN python -m venv /opt/omega-images
COPY requirements.runtime.lock ./
RUN /opt/omega-images/bin/pip install --require-hashes --no-deps --requirement requirements.runtime.lock
COPY pyproject.toml README.md ./
COPY schemas schemas
COPY producers producers
COPY projections projections
COPY consumers consumers
COPY web web
COPY operations operations
RUN /opt/omega-images/bin/pip install --no-deps --no-build-isolation . \
    && /opt/omega-images/bin/pip uninstall --yes setuptools pip \
    && python -m compileall -q /opt/omega-images

FROM ${PYTHON_IMAGE}
RUN groupadd --system --gid 10001 omega \
    && useradd --system --uid 10001 --gid omega --home-dir /var/lib/omega-images --create-home omega
COPY --from=build /opt/omega-images /opt/omega-images
ENV PATH=/opt/omega-images/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/omega-images
# pages, read API and ingest; of a worker its health
EXPOSE 8080
# exec form: the worker is process 1's child under compose's init and gets SIGTERM itself
ENTRYPOINT ["omega-images"]
CMD ["--help"]
