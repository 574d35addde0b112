# The platform without its servers: docker-compose.yml runs each process of the Procfile from this image.
FROM python:3.11.15-slim-bookworm AS packages
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/app.txt requirements/app.txt
RUN python -m venv .venv && .venv/bin/pip install --require-hashes -r requirements/app.txt

FROM python:3.11.15-slim-bookworm
WORKDIR /app
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin app \
    && install -d -o app -g app -m 0700 /data /data/metrics
COPY --from=packages /app/.venv .venv
COPY . .
# Once here, or each process would compile all of it at its start: app may write nothing.
RUN .venv/bin/python -m compileall -q config.py deploy migrations models tasks web workers
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ENVIRONMENT=production \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/data
USER 10001
VOLUME ["/data"]
EXPOSE 8000
CMD ["gunicorn", "-c", "deploy/server/gunicorn.py", "web:create_app()"]
