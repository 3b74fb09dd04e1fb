// The settings of the servers under test.

/** The token of all servers. */
export const TOKEN = "a-token-for-interop";

/** Environment variables of every server. */
export const SETTINGS = {
  AUTH_TOKEN: TOKEN,
  MY_NUMBER: "15550100123",
  TOOLSETS: "connect,penpal",
  // The runner checks that foreign hosts are refused.
  ALLOWED_HOSTS: "127.0.0.1,localhost",
  LOG_LEVEL: "warn",
  // Clients of one machine send more than users do, and read what the server shows every user once.
  RATE_LIMITS: "off",
  NOTICE: "off",
};

/** Environment variables of servers that share a Redis at `url`. */
export const redisSettings = (url) => ({
  REDIS_URL: url,
  ID_SALT: "0123456789abcdef".repeat(2),
  INBOX_KEY: "0123456789abcdef".repeat(4),
});
