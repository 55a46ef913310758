/** Routes of the example. Start the application with NestFactory.create(SkuflowModule, { rawBody: true }). */

import {
  BadGatewayException,
  BadRequestException,
  Body,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  NotFoundException,
  Param,
  Post,
  type RawBodyRequest,
  Req,
  UnauthorizedException,
} from "@nestjs/common";

import { type Kit, type ListingsWanted, SkuflowError, SkuflowRefusedError } from "./skuflow.client";
import { ListingsService } from "./skuflow.service";
import { WebhookRefusedError } from "./skuflow.webhooks";

@Controller()
export class SkuflowController {
  constructor(@Inject(ListingsService) private readonly listings: ListingsService) {}

  @Post("orders/:no/listings")
  async order(@Param("no") no: string, @Body() wanted: ListingsWanted): Promise<{ run: string }> {
    try {
      return { run: await this.listings.order(no, wanted) };
    } catch (error) {
      if (error instanceof SkuflowRefusedError && error.status === 409) {
        throw new BadRequestException(error.message);
      }
      throw error instanceof SkuflowError ? new BadGatewayException(error.message) : error;
    }
  }

  @Get("kits/:sku")
  async kit(@Param("sku") sku: string): Promise<Kit> {
    const kit = await this.listings.kit(sku);
    if (kit === undefined) {
      throw new NotFoundException(`there is no kit of ${sku} yet`);
    }
    return kit;
  }

  /** SKUFLOW_WEBHOOK_URL leads here. The signature is over the bytes that came, so they must not be parsed before. */
  @Post("webhooks/skuflow")
  @HttpCode(204)
  async webhook(
    @Req() request: RawBodyRequest<unknown>,
    @Headers() headers: Record<string, string | string[] | undefined>,
  ): Promise<void> {
    try {
      await this.listings.take(request.rawBody ?? new Uint8Array(), headers);
    } catch (error) {
      throw error instanceof WebhookRefusedError ? new UnauthorizedException(error.message) : error;
    }
  }
}
