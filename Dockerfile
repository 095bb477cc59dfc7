# nginx with the push stream module, as a plain user, on port 8080.
#
#   docker build --build-arg NGINX_VERSION=1.28.0 -t nginx-push-stream .
#   docker run -p 8080:8080 -v ./push.conf:/etc/nginx/conf.d/default.conf:ro nginx-push-stream
#
# Without that mount it serves docker/default.conf. See docs/install.md.

ARG NGINX_VERSION=1.28.0

# ---- the module, for exactly that nginx ----
FROM rust:1-slim-bookworm AS build
ARG NGINX_VERSION
# Checks the archive of nginx's sources when given.
ARG NGINX_SHA256=
WORKDIR /build
COPY . .
RUN docker/build.sh "$NGINX_VERSION" /out "$NGINX_SHA256"

# ---- on the official image of the same version ----
FROM nginx:${NGINX_VERSION}
COPY --from=build /out/ /
USER nginx
RUN nginx -t
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s \
    CMD curl -fsS -o /dev/null http://127.0.0.1:8080/health
