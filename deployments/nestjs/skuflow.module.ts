/** The client as a NestJS module; its configuration comes from the environment. */

import { Module } from "@nestjs/common";

import { SkuflowClient } from "./skuflow.client";
import { SkuflowController } from "./skuflow.controller";
import { ListingsService, WEBHOOK_SECRET } from "./skuflow.service";

@Module({
  controllers: [SkuflowController],
  providers: [
    ListingsService,
    {
      provide: SkuflowClient,
      useFactory: () =>
        new SkuflowClient({
          prefectUrl: needed("PREFECT_API_URL"),
          prefectAuth: process.env["PREFECT_API_AUTH_STRING"] ?? "",
          kitsUrl: needed("SKUFLOW_KITS_URL"),
          kitsToken: needed("SKUFLOW_KITS_TOKEN"),
        }),
    },
    { provide: WEBHOOK_SECRET, useFactory: () => needed("SKUFLOW_WEBHOOK_SECRET") },
  ],
  exports: [ListingsService],
})
export class SkuflowModule {}

function needed(name: string): string {
  const value = process.env[name];
  if (!value) {
    throw new Error(`set ${name}`);
  }
  return value;
}
