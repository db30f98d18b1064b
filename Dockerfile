# The image of the server: the programs `api-server` and `investiq`, the libraries that they need, and no shell.
#
#   docker build --tag investiq-api-server:dev .
#
# A release for both architectures, with equal bytes from equal sources, and with attestations (BuildKit 0.13 or newer):
#
#   export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
#   docker buildx build --platform linux/amd64,linux/arm64 --build-arg REVISION=$(git rev-parse HEAD) --provenance=mode=max --sbom=true \
#     --output type=image,name=registry.example.com/investiq-api-server:0.1.0,push=true,rewrite-timestamp=true .
#
# Programs for another architecture are cross-compiled, never emulated. Every stage also builds without BuildKit, for the machine's
# own architecture. Pin the base image by its digest (RUST_IMAGE) where equal bytes must not depend on when Debian's packages were
# last updated.

ARG RUST_VERSION=1.95.0
ARG RUST_IMAGE=rust:${RUST_VERSION}-slim-bookworm

# hadolint ignore=DL3029
FROM --platform=${BUILDPLATFORM:-linux} ${RUST_IMAGE} AS tools
RUN cargo install --locked cargo-chef@0.1.78 cargo-auditable@0.7.7
WORKDIR /src

# What the dependencies are, without our sources: the next stage's cache depends on it.
FROM tools AS recipe
COPY . .
RUN cargo chef prepare --recipe-path /recipe.json

FROM tools AS rootfs
ARG TARGETARCH
# Versions are those of the base image's Debian release.
# hadolint ignore=DL3008
RUN set -eu; \
    native=$(dpkg --print-architecture); \
    arch=${TARGETARCH:-$native}; \
    case $arch in amd64) machine=x86_64 gcc=gcc-x86-64 ;; arm64) machine=aarch64 gcc=gcc-aarch64 ;; *) echo "no image for $arch" >&2; exit 1 ;; esac; \
    set -- make; \
    if [ "$arch" != "$native" ]; then \
      dpkg --add-architecture "$arch"; \
      set -- "$@" "$gcc-linux-gnu" "libc6-dev-$arch-cross" "libc6:$arch" "libgcc-s1:$arch"; \
      rustup target add "$machine-unknown-linux-gnu"; \
    fi; \
    apt-get update; \
    apt-get install -y --no-install-recommends "$@"; \
    rm -rf /var/lib/apt/lists/*; \
    printf '[build]\ntarget = "%s"\nrustflags = ["--remap-path-prefix=%s=cargo", "--remap-path-prefix=/src=investiq"]\n' \
      "$machine-unknown-linux-gnu" "$CARGO_HOME" >"$CARGO_HOME/config.toml"; \
    # The allocator: machines of this architecture have pages of 4, 16 or 64 KiB.
    if [ "$arch" = arm64 ]; then printf '[env]\nJEMALLOC_SYS_WITH_LG_PAGE = "16"\n' >>"$CARGO_HOME/config.toml"; fi; \
    printf '[target.%s]\nlinker = "%s-linux-gnu-gcc"\n' "$machine-unknown-linux-gnu" "$machine" >>"$CARGO_HOME/config.toml"
COPY --from=recipe /recipe.json /recipe.json
RUN cargo chef cook --release --locked --recipe-path /recipe.json --package api-server --package ops
COPY . .
# The commit, for the metric `investiq_build_info`.
ARG REVISION=
# Scanners read the crates from the programs; unlike the list beside them, with optional crates that are not built.
RUN cargo auditable build --release --locked --package api-server --package ops
# Not before: build scripts run again when it changes.
ARG SOURCE_DATE_EPOCH=0
RUN set -eu; \
    tools/sbom "$(basename target/*-linux-gnu)" >/sbom.cdx.json; \
    tools/image-root /rootfs /sbom.cdx.json target/*-linux-gnu/release/api-server target/*-linux-gnu/release/investiq; \
    mkdir /data

FROM scratch
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="InvestIQ API server" \
      org.opencontainers.image.description="Hardened fintech API server with built-in secrets resolution" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=rootfs /rootfs /
# For SQLite, where no volume is mounted; a named volume takes its owner.
COPY --from=rootfs --chown=65532:65532 /data /app/data
ENV PATH=/app
WORKDIR /app
USER 65532:65532
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["/app/api-server", "healthcheck"]
ENTRYPOINT ["/app/api-server"]
