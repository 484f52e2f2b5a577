# The portal as one image; web, worker and beat are the same image with another command (docker-compose.yml).

FROM python:3.12-slim-bookworm AS assets
WORKDIR /build
COPY requirements/build.txt .
RUN pip install --no-cache-dir --require-hashes --requirement build.txt
COPY assets/package.json assets/package-lock.json assets/
RUN cd assets && npm ci --no-audit --no-fund
COPY assets/ assets/
RUN cd assets && npm run build

FROM python:3.12-slim-bookworm AS libraries
COPY requirements/runtime.txt .
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes --requirement runtime.txt

FROM python:3.12-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LABCOURIER_BIND=0.0.0.0:8000 \
    LABCOURIER_FILES=/data/files \
    LABCOURIER_STAGING=/data/staging
RUN useradd --system --uid 10001 --user-group --home-dir /app --shell /usr/sbin/nologin labcourier \
    && install --directory --owner=labcourier --group=labcourier /app /app/var /data
WORKDIR /app
COPY --from=libraries /opt/venv /opt/venv
COPY manage.py Procfile ./
COPY dataplane/ dataplane/
COPY portal/ portal/
COPY uploads/ uploads/
COPY sharing/ sharing/
COPY reminders/ reminders/
COPY keeping/ keeping/
COPY delivery/ delivery/
COPY templates/ templates/
COPY deploy/ deploy/
COPY --from=assets /build/assets/dist assets/dist
USER labcourier
# Settings of one machine serve for collecting files; the secrets and folders made on the way stay out of the image.
RUN LABCOURIER_FILES=/tmp/files LABCOURIER_STAGING=/tmp/staging python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf var/secrets /tmp/files /tmp/staging \
    && mkdir -p var/run /data/files /data/staging
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "deploy.healthcheck"]
# Threads by the hundred: what each would keep of memory that it gave back (docs/design/bytes-out.md).
CMD ["env", "GLIBC_TUNABLES=glibc.malloc.arena_max=2:glibc.malloc.tcache_count=0", "gunicorn", "--config", "deploy/gunicorn_conf.py", "portal.wsgi"]
