/** Reads webhooks, one a line as JSON, and says of each what the client thinks of it. */

import { createInterface } from "node:readline";

import { readWebhook } from "./skuflow.webhooks";

interface Line {
  readonly body: string;
  readonly headers: Record<string, string | string[]>;
  readonly secret: string;
  readonly nowS: number;
}

createInterface({ input: process.stdin }).on("line", (text) => {
  const line = JSON.parse(text) as Line;
  try {
    const read = readWebhook(Buffer.from(line.body, "base64"), line.headers, line.secret, line.nowS);
    console.log(JSON.stringify(read));
  } catch (error) {
    console.log(JSON.stringify({ refused: error instanceof Error ? `${error.name}: ${error.message}` : "?" }));
  }
});
