/** Webhooks of skuflow: whether one is genuine, and what it says. Needs nothing but Node 20. */

import { createHmac, timingSafeEqual } from "node:crypto";

/** A webhook older or newer than this is refused, so that a recorded one cannot be played again later. */
export const REPLAY_WINDOW_S = 300;

/** The request is not one that skuflow sent just now. Answer 401 and do nothing. */
export class WebhookRefusedError extends Error {
  override readonly name = "WebhookRefusedError";
}

interface Envelope {
  readonly schema: "skuflow.notice/1";
  /** The same for every attempt to deliver one notice: remember it, since a notice may come twice. */
  readonly id: string;
  readonly created_at: string;
}

export interface Cost {
  readonly currency: "CNY";
  readonly estimated: string;
  readonly settled: string;
}

export interface SkuOutcome {
  readonly sku: string;
  readonly status: string;
  readonly complete: boolean;
  readonly score: number | null;
  readonly cost: Cost;
  readonly kit_key: string | null;
  readonly reasons: readonly string[];
}

/** A run has come to its end, or a batch whose last chunk has. docs/webhook.schema.json describes each field. */
export interface RunData {
  readonly run_id: string;
  readonly batch_id: string | null;
  readonly deployment: string | null;
  readonly catalog: string;
  readonly complete: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly skus_total: number;
  readonly skus: readonly SkuOutcome[];
  readonly skus_left_out: number;
}

/** A kit was written, or changed. */
export interface KitData {
  readonly sku: string;
  readonly kit_id: string;
  readonly status: string;
  readonly scores: Readonly<Record<"overall" | "copy" | "images" | "video", number | null>>;
  readonly cost: Cost;
  readonly kit_key: string;
  readonly kit_url: string | null;
  readonly kit_url_valid_s: number | null;
}

export type Webhook =
  | (Envelope & { readonly event: "run.completed"; readonly data: RunData })
  | (Envelope & { readonly event: "kit.completed"; readonly data: KitData });

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Checks `X-Skuflow-Signature` over the timestamp and the body's exact bytes, in constant time. Nothing else is signed,
 * so id and event are those of the body. An event that this client does not know has another `event`: let it pass.
 *
 * @param body the bytes as they came; a body that was parsed and written again has another signature
 * @param headers names in lower case, as Node gives them
 * @throws WebhookRefusedError
 */
export function readWebhook(
  body: Uint8Array,
  headers: Headers,
  secret: string,
  nowS: number = Date.now() / 1000,
): Webhook {
  if (!secret) {
    throw new WebhookRefusedError("no secret is set; use that of SKUFLOW_WEBHOOK_SECRET");
  }
  const timestamp = only(headers, "x-skuflow-timestamp");
  const signature = only(headers, "x-skuflow-signature");
  if (!/^[0-9]{1,12}$/.test(timestamp)) {
    throw new WebhookRefusedError("the timestamp is no number of seconds");
  }
  const given = /^v1=([0-9a-f]{64})$/.exec(signature)?.[1];
  const expected = createHmac("sha256", secret).update(`${timestamp}.`).update(body).digest();
  if (given === undefined || !timingSafeEqual(Buffer.from(given, "hex"), expected)) {
    throw new WebhookRefusedError("the signature is not that of this body and secret");
  }
  if (Math.abs(nowS - Number(timestamp)) > REPLAY_WINDOW_S) {
    throw new WebhookRefusedError("it is too old, or the clocks of the two machines differ");
  }
  return parsed(body);
}

function only(headers: Headers, name: string): string {
  const value = headers[name];
  if (typeof value !== "string" || !value) {
    throw new WebhookRefusedError(`${name} is missing or was sent twice`);
  }
  return value;
}

function parsed(body: Uint8Array): Webhook {
  let notice: Webhook;
  try {
    notice = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as Webhook;
  } catch {
    throw new WebhookRefusedError("the body is no JSON");
  }
  if (notice?.schema !== "skuflow.notice/1" || typeof notice.id !== "string") {
    throw new WebhookRefusedError("the body is no notice that this client knows");
  }
  return notice;
}
