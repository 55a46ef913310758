/** What a shop's back end does with skuflow. The two maps stand for tables of its own database. */

import { Inject, Injectable, Logger } from "@nestjs/common";

import { type Kit, type ListingsWanted, SkuflowClient, SkuflowRefusedError } from "./skuflow.client";
import { readWebhook, type Webhook } from "./skuflow.webhooks";

export const WEBHOOK_SECRET = Symbol("WEBHOOK_SECRET");

@Injectable()
export class ListingsService {
  readonly #log = new Logger(ListingsService.name);
  readonly #seen = new Set<string>();
  readonly #kits = new Map<string, Kit>();

  constructor(
    @Inject(SkuflowClient) private readonly skuflow: SkuflowClient,
    @Inject(WEBHOOK_SECRET) private readonly secret: string,
  ) {}

  /** Starts the run of an order; the order's number is the key, so a repeated request starts no second one. */
  async order(orderNo: string, wanted: ListingsWanted): Promise<string> {
    return await this.skuflow.startListings(wanted, `order-${orderNo}`);
  }

  /** The newest kit, from here or else from skuflow; undefined while there is none. */
  async kit(sku: string): Promise<Kit | undefined> {
    return this.#kits.get(sku) ?? (await this.fetched(sku));
  }

  /** Takes a webhook. Whatever is thrown after the check makes skuflow send it again. @throws WebhookRefusedError */
  async take(body: Uint8Array, headers: Record<string, string | string[] | undefined>): Promise<Webhook> {
    const webhook = readWebhook(body, headers, this.secret);
    if (this.#seen.has(webhook.id)) {
      return webhook;
    }
    if (webhook.event === "kit.completed") {
      await this.fetched(webhook.data.sku, webhook.data.kit_url);
    }
    this.#log.log(`${webhook.event} ${webhook.id}`);
    this.#seen.add(webhook.id);
    return webhook;
  }

  private async fetched(sku: string, link: string | null = null): Promise<Kit | undefined> {
    try {
      const kit = link === null ? await this.skuflow.kit(sku) : await this.skuflow.kitAt(link);
      this.#kits.set(sku, kit);
      return kit;
    } catch (error) {
      if (error instanceof SkuflowRefusedError && error.status === 404) {
        return undefined;
      }
      throw error;
    }
  }
}
