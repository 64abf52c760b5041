FROM python:3.13-slim AS packages
ARG UV_VERSION=0.13.9
ENV UV_PYTHON_DOWNLOADS=never UV_COMPILE_BYTECODE=1 UV_NO_CACHE=1
RUN pip install --no-cache-dir "uv==${UV_VERSION}"
WORKDIR /app
COPY pyproject.toml uv.lock ./
ARG EXTRAS=
RUN for extra in $EXTRAS; do set -- "$@" --extra "$extra"; done \
    && uv sync --frozen --no-default-groups "$@"

FROM python:3.13-slim
ENV PATH="/app/.venv/bin:$PATH" PYTHONUNBUFFERED=1 VAR_DIR=/var/lib/paper-round
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin paper-round \
    && install --directory --owner=paper-round --mode=0700 "$VAR_DIR"
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY LICENSE manage.py gunicorn.conf.py ./
COPY digest_service digest_service
COPY subscriptions subscriptions
COPY templates templates
# The keys are for this one command, so that it makes none that would stay in the image.
RUN SECRET_KEY=none SUPPRESSION_KEY=none python manage.py collectstatic --noinput \
    && python -m compileall -q digest_service subscriptions
USER 10001
EXPOSE 8000
CMD ["gunicorn", "digest_service.wsgi", "--bind=0.0.0.0:8000", "--worker-class=gthread", "--threads=8", "--worker-tmp-dir=/dev/shm", "--no-control-socket"]
