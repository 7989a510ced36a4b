# One image; the command chooses: `serve` (default), `worker`, or any other `hopfact` command.
#
#   docker build --tag hopfact .
#
# TORCH_INDEX  where the CPU build of torch comes from, whose hash requirements.lock has; empty: from where pip's settings say
# `python3.11`, never `python`: the name is the same in the official image and in one made from Debian's own packages.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
WORKDIR /build
RUN python3.11 -m venv /opt/hopfact
COPY requirements.lock ./
# The dependencies alone first, so that a change of the source does not install torch again. Nothing but what the lock file
# names by hash; setuptools, which builds the package below, is in it.
RUN /opt/hopfact/bin/pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
      --require-hashes --requirement requirements.lock
COPY LICENSE NOTICE README.md pyproject.toml ./
COPY app app
COPY hopfact hopfact
COPY kb kb
COPY models models
COPY migrations migrations
RUN /opt/hopfact/bin/pip install --no-cache-dir --no-index --no-deps --no-build-isolation .

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 hopfact \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin hopfact \
    && install --directory --owner hopfact --group hopfact --mode 0750 /data
COPY --from=build /opt/hopfact /opt/hopfact
ENV PATH=/opt/hopfact/bin:$PATH \
    HOPFACT_DATA=/data \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python3.11", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]
ENTRYPOINT ["hopfact"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
