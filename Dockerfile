# Build the dashboard in a Node image; only the result is copied into the final image.
FROM node:24.19.0-bookworm-slim@sha256:3638d9a6fe4030bd716be989438248074489337ba3275657f93595428be4fc03 AS dashboard

WORKDIR /dashboard
COPY dashboard/package.json dashboard/package-lock.json dashboard/.npmrc ./
RUN npm ci
COPY dashboard ./
RUN npm run build

# One image for migrate, gateway and worker, with the same locked packages that `./run` installs.
FROM python:3.11.16-slim-bookworm@sha256:528257d48c1da0dcecc2e725d1ae34498d60c965f1241e39cd6a85a8859bdf84

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

WORKDIR /app

# Packages first: they rarely change, so this layer is usually cached.
COPY requirements.lock requirements-bootstrap.lock ./
RUN pip install --require-hashes -r requirements-bootstrap.lock \
    && pip install --require-hashes -r requirements.lock

COPY pyproject.toml README.md LICENSE *.py ./
COPY journey ./journey
COPY contracts ./contracts
COPY workflows ./workflows
COPY activities ./activities
COPY background ./background
COPY db ./db
COPY api ./api
COPY local ./local
COPY cli ./cli
# Remove the sources after the installation: `python -c` would find them before the installed modules.
RUN pip install --no-deps --no-build-isolation . \
    && rm -rf /app/* \
    && useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin perdure

COPY --from=dashboard /dashboard/dist /app/dashboard
ENV DASHBOARD=/app/dashboard

# A new volume gets this folder's owner.
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/perdure/keys
USER 10001
EXPOSE 8000
ENTRYPOINT ["journey"]
