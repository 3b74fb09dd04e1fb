// The models of the checks, and what their answers cost.

/** Prices in dollars per million tokens, which are millionths of a credit per token. */
export const MODELS = {
  chat: { provider: "openai", input: 2, cached: 1, output: 10 },
  message: { provider: "claude", input: 3, cached: 1, output: 15 },
  // Answered by `message` if its own provider fails.
  backed: { provider: "openai", input: 3, cached: 1, output: 15, equivalents: ["message"] },
  dear: { provider: "openai", input: 1, cached: 1, output: 100_000 },
};

/** The `gateway.toml` with these models and time limits. The role `trial` may use the first model, once a minute. */
export function catalog(timeLimits) {
  const models = Object.entries(MODELS).map(
    ([name, { provider, input, cached, output, equivalents = [] }]) => `
      [models.${name}]
      provider = "${provider}"
      max_input_tokens = 100000
      max_output_tokens = 4096
      equivalents = ${JSON.stringify(equivalents)}
      price = { input = "${input}", cached = "${cached}", output = "${output}" }`,
  );
  const providers = ["openai", "claude"].map((name) => `[providers.${name}]\ntime_limits = { ${timeLimits} }`);
  const trial = '[roles.trial]\nmodels = ["chat"]\nrequests_per_minute = 1';
  return [...providers, ...models, trial].join("\n");
}

/** The charge of an answer, in millionths of a credit. `usage` is that of the gateway's WebSocket. */
export function price(model, { promptTokens, completionTokens, cachedTokens = 0 }) {
  const { input, cached, output } = MODELS[model];
  return (promptTokens - cachedTokens) * input + cachedTokens * cached + completionTokens * output;
}
