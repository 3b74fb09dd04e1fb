// The journey of the TypeScript SDK 1.x over any transport.

import { Client } from "@modelcontextprotocol/sdk/client/index.js";

import { journey } from "./journey.mjs";
import { Mailbox } from "./mailbox.mjs";
import { transport } from "./target.mjs";

/** Runs the journey with clients on the transports that `open` returns, one for each connection. */
export async function run(open) {
  async function connect() {
    const client = new Client({ name: "interop", version: "1.0.0" });
    const mailbox = new Mailbox();
    client.fallbackNotificationHandler = async (notification) => mailbox.put(notification);
    await client.connect(open());
    return {
      listTools: async () => (await client.listTools()).tools,
      call: (name, args, signal) => client.callTool({ name, arguments: args }, undefined, { signal }),
      subscribe: (uri) => client.subscribeResource({ uri }),
      nextNotification: (method) => mailbox.next(method),
      close: () => client.close(),
    };
  }

  // Without a session, the server can't notify this client, and does not know which call it cancels.
  const live = transport !== "mcp";
  await journey(connect, { pushes: live, subscribes: live, cancels: live });
}
