# The service, and its command line (docs/container.md).
#
#     docker build -t revet .
#
# Another index of packages, or an authority of its own for it, is a secret of the build and leaves no trace in the image:
#
#     docker build -t revet --secret id=pip.conf,src=pip.conf --secret id=ca.pem,src=ca.pem .
#
# with `cert = /run/secrets/ca.pem` in pip.conf. Runs as user 10001 on a root file system that may be read-only: what it
# writes goes to /var/lib/revet and /tmp.
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS builder

# Every file that comes into the image was last changed then (seconds since 1970).
ARG SOURCE_DATE_EPOCH=315532800
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore

WORKDIR /build
COPY requirements/build.txt requirements/runtime.txt requirements/aws.txt requirements/otel.txt requirements/
# Two environments: what builds has pip, what is shipped does not.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf --mount=type=secret,id=ca.pem \
    python3 -m venv tools \
    && tools/bin/pip install --require-hashes --only-binary :all: -r requirements/build.txt \
    && python3 -m venv --without-pip /opt/revet \
    && tools/bin/pip --python /opt/revet/bin/python3 install --no-compile --require-hashes --only-binary :all: \
        -r requirements/runtime.txt -r requirements/aws.txt -r requirements/otel.txt

COPY LICENSE README.md pyproject.toml ./
COPY authorizer authorizer
COPY sidecar sidecar
COPY service service
RUN tools/bin/pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels . \
    && tools/bin/pip --python /opt/revet/bin/python3 install --no-compile --no-index --no-deps --find-links wheels revet

# Bytecode, since nobody can write it later: below a directory of its own, for the official images come without that of
# the standard library. Theirs is held against the source at each start, in case a derived image brings a newer one.
ENV PYTHONPYCACHEPREFIX=/opt/revet/bytecode
RUN standard=$(python3 -c 'import sysconfig; print(sysconfig.get_path("stdlib"))') \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /opt/revet/lib \
    && python3 -m compileall -q --invalidation-mode checked-hash \
        -x '/(test|tests|idlelib|idle_test|tkinter|turtledemo|ensurepip|lib2to3|pydoc_data|(site|dist)-packages)(/|$)' \
        "$standard" \
    && find /opt/revet -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

FROM ${PYTHON_IMAGE}

ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1980-01-01T00:00:00Z
LABEL org.opencontainers.image.title="revet" \
      org.opencontainers.image.description="Verdicts on client certificates: chain, CRL and OCSP, checked ahead of the request and explained" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.licenses="Apache-2.0"

RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/revet
COPY --from=builder /opt/revet /opt/revet

# No line of /etc/passwd has 10001, and nothing asks for one; HOME only has to be said.
ENV HOME=/nonexistent \
    PATH=/opt/revet/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPYCACHEPREFIX=/opt/revet/bytecode \
    PYTHONUNBUFFERED=1 \
    REVET_DATA_DIR=/var/lib/revet \
    REVET_HOST=0.0.0.0 \
    REVET_MANAGEMENT_PORT=9090 \
    REVET_PORT=8080

WORKDIR /
VOLUME ["/var/lib/revet", "/tmp"]
USER 10001:10001
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["/opt/revet/bin/revet", "healthcheck"]
ENTRYPOINT ["/opt/revet/bin/revet"]
CMD ["serve"]
