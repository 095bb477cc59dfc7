# nginx with the push stream module loaded.
#
#   docker build --build-arg NGINX_VERSION=1.28.0 -t nginx-push-stream .
#   docker run -p 8080:80 -v ./push.conf:/etc/nginx/conf.d/default.conf:ro nginx-push-stream
#
# The examples are in /etc/nginx/push-stream/. They listen on 127.0.0.1:9080: change that in a copy.
# Each step is a script that also runs outside Docker.

ARG NGINX_VERSION=1.28.0

# ---- build against the sources of that nginx ----
FROM rust:1-slim-bookworm AS build
ARG NGINX_VERSION
# Checks the archive when given.
ARG NGINX_SHA256=
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl make
WORKDIR /build
COPY tools/nginx-source.sh tools/
RUN tools/nginx-source.sh "$NGINX_VERSION" /nginx "$NGINX_SHA256"
COPY . .
RUN make build NGINX_SOURCE_DIR=/nginx CARGO_TARGET_DIR=/build/target

# ---- the module on the official image of the same version ----
FROM nginx:${NGINX_VERSION}
COPY --from=build /build/target/release/libngx_http_push_stream_module.so \
    /usr/lib/nginx/modules/ngx_http_push_stream_module.so
COPY nginx-conf/ /etc/nginx/push-stream/
RUN sed -i '1i load_module modules/ngx_http_push_stream_module.so;' /etc/nginx/nginx.conf && nginx -t
