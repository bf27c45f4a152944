# The Messages API to develop against; it has no dependencies. First, because the classic builder builds all stages above its target.
FROM node:24-bookworm-slim AS sandbox
ENV SANDBOX_HOST=0.0.0.0
WORKDIR /app
COPY deploy/docker/probe.cjs /probe.cjs
COPY sandbox sandbox
USER 1000:1000
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 \
  CMD node /probe.cjs "${SANDBOX_PORT:-8080}" /sandbox/health
CMD ["node", "sandbox/main.ts"]

# Native codecs come as prebuilt packages, so no dependency needs its install script.
FROM node:24-bookworm-slim AS production-dependencies
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

# Sends sample commands and prints their results.
FROM node:24-bookworm-slim AS sample
WORKDIR /app
COPY --from=production-dependencies /app/node_modules node_modules
COPY tools/package.json tools/package.json
COPY tools/lib/operations.ts tools/lib/operations.ts
COPY tools/sample tools/sample
USER 1000:1000
CMD ["node", "--disable-warning=TimeoutNegativeWarning", "tools/sample/main.ts"]

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json nest-cli.json .swcrc ./
COPY src src
RUN npx nest build && chmod 755 dist/cli.js

FROM node:24-bookworm-slim AS service
LABEL org.opencontainers.image.title="messages-dispatcher" \
      org.opencontainers.image.version="0.2.0" \
      org.opencontainers.image.description="Sends commands from Kafka to the Messages API and publishes the results" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app
COPY package.json ./
COPY deploy/docker/probe.cjs /probe.cjs
COPY --from=production-dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
RUN ln -s /app/dist/cli.js /usr/local/bin/messages-dispatcher
# By number, so that Kubernetes can tell that it is not root.
USER 1000:1000
EXPOSE 3000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD node /probe.cjs "${HTTP_PORT:-3000}" /livez
# The flags of `npm start`. Not in NODE_OPTIONS: one that is injected would replace them.
CMD ["node", "--max-old-space-size=256", "--max-semi-space-size=16", "dist/main.js"]
