# Snapproof, Node and a search server: the same image in CodeBuild, Batch, Kubernetes and on a laptop.
# Build it with `npm run image`, which fills in the labels; infra/image/README.md says how to pin it by digest, and what it promises.

# The search server that restores the snapshots: any image with glibc, /bin/sh and an unpacked distribution in
# /usr/share/elasticsearch or /usr/share/opensearch. By version, or whole, with a digest.
ARG ELASTICSEARCH_VERSION=9.5.3
ARG SEARCH_SERVER=docker.elastic.co/elasticsearch/elasticsearch:${ELASTICSEARCH_VERSION}
# Node LTS with python3, make and g++. Of Debian 12: what is compiled there asks for glibc 2.34 and libstdc++ of GCC 11, as the
# official search servers (UBI 9, Amazon Linux 2023) have them. A newer Debian asks for more.
ARG NODE=docker.io/library/node:26.10.0-bookworm

FROM ${NODE} AS build
WORKDIR /opt/snapproof
# The init, linked statically; and what Node links to and minimal systems do not have.
RUN set -eu; \
    if ! command -v tini-static >/dev/null; then \
      apt-get update -qq; \
      apt-get install -y -qq --no-install-recommends 'tini=0.19.*'; \
    fi; \
    mkdir runtime lib; \
    cp "$(command -v tini-static)" runtime/tini; \
    cp -L "$(command -v node)" runtime/node; \
    atomic="$(ldd runtime/node | awk '$1 == "libatomic.so.1" { print $3 }')"; \
    if [ -n "$atomic" ]; then cp -L "$atomic" lib/libatomic.so.1; fi; \
    chmod 0755 runtime/*
COPY package.json package-lock.json .npmrc ./
COPY infra/local/ensure-sqlite.mjs infra/local/
# Compiled here, from what the lock file holds: a published binary would be neither locked nor made for this glibc.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && \
    npm_config_build_from_source=true node infra/local/ensure-sqlite.mjs && \
    rm -rf infra package-lock.json .npmrc node_modules/better-sqlite3/deps node_modules/better-sqlite3/src && \
    chmod -R a+rX,go-w .
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY infra/local/copy-assets.mjs infra/local/
COPY src src
COPY LICENSE /program/
COPY config /program/config
COPY reports/style.css /program/reports/
RUN npm run build && mv dist /program/ && mkdir /program/bin && \
    printf '#!/bin/sh\nexec /opt/snapproof/runtime/node /opt/snapproof/dist/main.js "$@"\n' >/program/bin/snapproof && \
    chmod -R a+rX,go-w /program && chmod 0755 /program/bin/snapproof

FROM ${SEARCH_SERVER}
ARG SEARCH_SERVER
USER root
# What changes seldom first: an upgrade of the program is a small layer.
COPY --from=build /opt/snapproof /opt/snapproof
COPY --from=build /program /opt/snapproof
# Written by hand, because minimal systems have no useradd. Group 0 may write the home, so that any user of that group can run it.
RUN set -eu; \
    echo 'snapproof:x:10001:0:Snapproof:/var/lib/snapproof:/bin/sh' >>/etc/passwd; \
    if [ -f /etc/shadow ]; then echo 'snapproof:!:19000:0:99999:7:::' >>/etc/shadow; fi; \
    mkdir -p /var/lib/snapproof /usr/local/bin; \
    chown 10001:0 /var/lib/snapproof; \
    chmod 0770 /var/lib/snapproof; \
    ln -s /opt/snapproof/bin/snapproof /usr/local/bin/snapproof; \
    if ! /opt/snapproof/runtime/node --version >/dev/null 2>&1; then \
      mkdir -p /etc/ld.so.conf.d; \
      echo /opt/snapproof/lib >/etc/ld.so.conf.d/snapproof.conf; \
      ldconfig; \
    fi
ENV HOME=/var/lib/snapproof
WORKDIR /var/lib/snapproof
# A number, so that Kubernetes sees that it is not root.
USER 10001:0
# A base that does not fit fails here and not at night: program and native parts load, a server is there and may be read.
RUN set -eu; \
    snapproof --version; \
    cd /opt/snapproof; \
    runtime/node -e "new (require('better-sqlite3'))(':memory:').close()"; \
    found=; \
    for product in elasticsearch opensearch; do \
      home=/usr/share/$product; \
      if [ -x "$home/bin/$product" ]; then found=$home; fi; \
    done; \
    if [ -z "$found" ]; then echo 'the base has no search server in /usr/share/elasticsearch or /usr/share/opensearch' >&2; exit 1; fi; \
    cp -r "$found/config" /tmp/readable; \
    rm -rf /tmp/readable

# An init and nothing else: AWS Batch and CodeBuild hand it `/bin/sh -c …`.
ENTRYPOINT ["/opt/snapproof/runtime/tini", "--"]
CMD ["snapproof", "--help"]
HEALTHCHECK NONE
STOPSIGNAL SIGTERM

ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="Snapproof" \
      org.opencontainers.image.description="Proves every night that every snapshot in an Elasticsearch snapshot repository can be restored" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${SEARCH_SERVER}"
