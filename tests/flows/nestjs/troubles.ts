/** How the client takes a server that fails at times; says in one line of JSON what it saw. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { SkuflowClient, SkuflowError } from "./skuflow.client";

const RUN = { id: "r1", name: "by hand", created: "2026-11-21T00:00:00Z", tags: [] };
const KIT = { schema: "skuflow.kit/1", sku: "mug-1" };

async function main(): Promise<void> {
  const state = { type: "COMPLETED", name: "Completed", message: process.env["CUT"] ?? "" };
  const asked: Record<string, number> = {};
  const shown: (string | undefined)[] = [];
  const server = createServer((request, reply) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    const times = (asked[path] = (asked[path] ?? 0) + 1);
    const answer = (status: number, body: unknown): void => {
      reply.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (path === "/api/flow_runs/wavering") {
      if (times === 1) answer(503, { detail: "starting" });
      else if (times === 2) request.socket.destroy();
      else answer(200, { ...RUN, state });
    } else if (path === "/api/flow_runs/down") answer(502, "no gateway");
    else if (path === "/api/flow_runs/odd") answer(200, { ...RUN, state: { type: "ASLEEP", name: "x", message: null } });
    else if (path === "/api/flow_runs/new") answer(200, { ...RUN, state: null });
    else if (path === "/api/flow_runs/slow") setTimeout(() => answer(200, { ...RUN, state }), 5_000).unref();
    else if (path === "/signed/kit.json") {
      shown.push(request.headers.authorization);
      answer(200, KIT);
    } else answer(404, { detail: "nothing here" });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { prefectUrl: `${at}/api/`, kitsUrl: at, kitsToken: "token", retryPauseMs: 10 };
  const client = new SkuflowClient(options);
  const refusal = async (promise: Promise<unknown>): Promise<unknown> =>
    await promise.catch((error: unknown) => (error instanceof SkuflowError ? [error.status, error.message] : String(error)));
  const saw = {
    wavering: await client.run("wavering"),
    down: await refusal(client.run("down")),
    odd: await refusal(client.run("odd")),
    fresh: (await client.run("new")).outcome,
    gone: await refusal(client.run("gone")),
    slow: await refusal(new SkuflowClient({ ...options, timeoutMs: 50 }).run("slow")),
    stopped: await refusal(client.finished("new", { signal: AbortSignal.timeout(100) })),
    link: (await client.kitAt(`${at}/signed/kit.json?signature=1`)).sku,
    noKey: await refusal(client.startKit({ sku: "mug-1" }, "")),
    tokenOnLink: shown,
    asked,
  };
  console.log(JSON.stringify(saw));
  server.closeAllConnections();
  server.close();
}

void main();
