# Builds the server, and copies the binary into a small image.

FROM rust:1-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src src
COPY benches benches
RUN cargo build --release --locked --bin random-connect

FROM debian:bookworm-slim
# Root certificates for the WhatsApp and bridge channels, which send requests.
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home app
COPY --from=build /src/target/release/random-connect /usr/local/bin/random-connect
# For a volume, which gets this owner: the database in the working folder, and .env.
RUN install -d -o app -g app -m 0700 /data
WORKDIR /data
COPY LICENSE NOTICE /usr/share/doc/random-connect/
COPY LICENSES /usr/share/doc/random-connect/LICENSES/
USER app
ENV PORT=8086
EXPOSE 8086
STOPSIGNAL SIGTERM
ENTRYPOINT ["random-connect"]
CMD ["serve"]
