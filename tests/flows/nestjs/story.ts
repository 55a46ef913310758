/** What a back end does, against servers that run; says in one line of JSON what it saw. */

import "reflect-metadata";

import { createHash } from "node:crypto";

import type { INestApplication } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";

import { SkuflowClient, SkuflowError, SkuflowRefusedError } from "./skuflow.client";
import { SkuflowModule } from "./skuflow.module";
import { ListingsService } from "./skuflow.service";
import type { Webhook } from "./skuflow.webhooks";

interface Told {
  readonly prefectUrl: string;
  readonly prefectAuth: string;
  readonly kitsUrl: string;
  readonly kitsToken: string;
  readonly rows: string;
  readonly sku: string;
  readonly crashedRun: string;
  readonly nestPort: number;
  readonly webhook: { readonly body: string; readonly headers: Record<string, string> };
}

const told = JSON.parse(process.env["STORY"] ?? "") as Told;
const saw: Record<string, unknown> = {};

async function refusal(asked: Promise<unknown>): Promise<unknown> {
  try {
    return await asked;
  } catch (error) {
    return error instanceof SkuflowError
      ? { status: error.status, message: error.message, refused: error instanceof SkuflowRefusedError }
      : String(error);
  }
}

/** The back end's own application; what the servers tell it comes to `notices`. */
async function backEnd(notices: Webhook[]): Promise<INestApplication> {
  Object.assign(process.env, {
    PREFECT_API_URL: told.prefectUrl,
    PREFECT_API_AUTH_STRING: told.prefectAuth,
    SKUFLOW_KITS_URL: told.kitsUrl,
    SKUFLOW_KITS_TOKEN: told.kitsToken,
  });
  const app = await NestFactory.create(SkuflowModule, { rawBody: true, logger: ["error"] });
  const listings = app.get(ListingsService);
  const take = listings.take.bind(listings);
  listings.take = async (...request) => {
    const webhook = await take(...request);
    notices.push(webhook);
    return webhook;
  };
  await app.listen(told.nestPort, "127.0.0.1");
  return app;
}

async function runs(notices: readonly Webhook[]): Promise<void> {
  const client = new SkuflowClient(told);
  const wanted = { rows: told.rows, kits: { stages: ["copy", "images"], languages: ["en"] } } as const;
  const first = await client.startListings(wanted, "order-1");
  saw["again"] = (await client.startListings(wanted, "order-1")) === first;
  const missing = await client.startListings({ products: "no/such/file.csv" }, "order-2");
  saw["other"] = missing !== first;
  saw["stranger"] = await refusal(new SkuflowClient({ ...told, prefectAuth: "a:b" }).run(first));
  saw["unknownMarket"] = await refusal(client.startListings({ ...wanted, kits: { markets: ["Spane"] } }, "order-3"));
  saw["unknownRun"] = await refusal(client.run("00000000-0000-4000-8000-000000000000"));
  saw["resumed"] = await client.finished(told.crashedRun);
  saw["impatient"] = await refusal(client.finished(first, { limitMs: 1, firstPauseMs: 1 }));
  const looks: string[] = [];
  const following = { firstPauseMs: 200, mostPauseMs: 1000, limitMs: 180_000 };
  saw["finished"] = await client.finished(first, { ...following, onLook: (run) => looks.push(run.outcome) });
  saw["looks"] = [...new Set(looks)];
  saw["missing"] = await client.finished(missing, following);
  for (const end = Date.now() + 60_000; notices.length < 2 && Date.now() < end; ) {
    await new Promise((later) => setTimeout(later, 200));
  }
  saw["notices"] = notices.map((notice) =>
    notice.event === "run.completed"
      ? [notice.event, notice.data.run_id === first, notice.data.complete, notice.data.skus.map(({ sku }) => sku)]
      : [notice.event, notice.data.sku, notice.data.status],
  );
}

async function kits(): Promise<void> {
  const client = new SkuflowClient(told);
  const kit = await client.kit(told.sku);
  saw["kit"] = { sku: kit.sku, status: kit.status, copy: kit.copy.length };
  const rendition = kit.images.flatMap((image) => image.renditions)[0];
  if (rendition === undefined) {
    throw new Error("the kit has no picture");
  }
  const reply = await client.file(told.sku, rendition.file);
  const bytes = new Uint8Array(await reply.arrayBuffer());
  saw["file"] = bytes.length === rendition.bytes && createHash("sha256").update(bytes).digest("hex") === rendition.sha256;
  saw["noKit"] = await refusal(client.kit("no such/sku"));
  saw["kitStranger"] = await refusal(new SkuflowClient({ ...told, kitsToken: "wrong" }).kit(told.sku));
}

async function nest(app: INestApplication): Promise<void> {
  const at = await app.getUrl();
  const posted = async (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
    await fetch(`${at}${path}`, { method: "POST", body, headers: { "content-type": "application/json", ...headers } });
  const { body, headers } = told.webhook;
  saw["webhook"] = [
    (await posted("/webhooks/skuflow", body, headers)).status,
    (await posted("/webhooks/skuflow", body, headers)).status,
    (await posted("/webhooks/skuflow", `${body} `, headers)).status,
    (await posted("/webhooks/skuflow", body)).status,
  ];
  saw["nestKit"] = ((await (await fetch(`${at}/kits/${told.sku}`)).json()) as { sku: string }).sku;
  saw["nestNoKit"] = (await fetch(`${at}/kits/none`)).status;
  const order = await posted("/orders/7/listings", JSON.stringify({ products: "anything" }));
  saw["nestOrder"] = [order.status, ((await order.json()) as { run: string }).run];
  const refused = await posted("/orders/9/listings", JSON.stringify({ kits: { markets: ["Spane"] } }));
  saw["nestRefused"] = [refused.status, ((await refused.json()) as { message: string }).message];
}

async function main(): Promise<void> {
  const notices: Webhook[] = [];
  const app = await backEnd(notices);
  try {
    await runs(notices);
    await kits();
    await nest(app);
  } finally {
    await app.close();
  }
  console.log(JSON.stringify(saw));
}

void main();
