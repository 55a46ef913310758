/** Starts runs of skuflow, follows them and fetches kits. Needs nothing but Node 20. */

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

export interface SkuflowOptions {
  /** Prefect's API, for example http://127.0.0.1:4200/api. */
  readonly prefectUrl: string;
  /** user:password, where PREFECT_SERVER_API_AUTH_STRING is set. */
  readonly prefectAuth?: string;
  /** The receiver, for example http://127.0.0.1:4280; needed for kits only. */
  readonly kitsUrl?: string;
  /** That of SKUFLOW_KITS_TOKEN. */
  readonly kitsToken?: string;
  /** For one request. */
  readonly timeoutMs?: number;
  /** Before the second try of a request that failed for a passing reason; three times as long before each other. */
  readonly retryPauseMs?: number;
}

/** What to make; all of it may be left out. The form in Prefect's UI describes each field. */
export interface Wishes {
  readonly stages?: readonly ("copy" | "images" | "video")[];
  readonly markets?: readonly string[];
  readonly marketplaces?: readonly string[];
  readonly languages?: readonly string[];
  readonly style?: string;
  readonly captions?: string;
  readonly video_sizes?: readonly string[];
  readonly motion?: string;
  readonly extend?: string;
  /** SKU:ROLE or SKU:ROLE:SHOT. Each is paid for again. */
  readonly remake?: readonly string[];
}

interface Products {
  /** File or folder that the workers can read, oss:// address, product link, or a product's name. */
  readonly products?: string;
  /** Rows with their header, as tab separated values; photos as links. Instead of products. */
  readonly rows?: string;
  readonly kits?: Wishes;
  readonly makers?: { readonly copy_by?: string; readonly images_by?: string; readonly video_by?: string };
}

export interface ListingsWanted extends Products {
  /** Only these. */
  readonly skus?: readonly string[];
}

export interface KitWanted extends Products {
  readonly sku: string;
}

/**
 * - complete: every SKU came to its end; kits may still be blocked, failed or waiting for review, see each kit's status
 * - unfinished: some SKU has no kit yet, message says how many; the nightly run goes on with them
 * - handed_on: a long batch was cut into runs of their own; its end is told by the webhook run.completed
 * - refused: the run failed; where the input cannot be used, message says in one sentence what to change
 * - crashed: its process died and it was not started again
 */
export type Outcome = "working" | "complete" | "unfinished" | "handed_on" | "refused" | "crashed" | "cancelled";

export interface Run {
  readonly id: string;
  readonly name: string;
  readonly outcome: Outcome;
  /** One line for people. */
  readonly message: string;
  /** Where the run was cut into chunks. */
  readonly batchId?: string;
}

/** The parts of kit.json that most back ends look at; docs/kit.schema.json has them all. */
export interface Kit {
  readonly schema: "skuflow.kit/1";
  readonly sku: string;
  /** Changes when, and only when, the kit does. */
  readonly kit_id: string;
  readonly status: "needs_review" | "approved" | "rejected" | "blocked" | "deferred" | "failed";
  readonly parts: readonly { readonly part: string; readonly state: string; readonly reason: string | null }[];
  readonly copy: readonly Readonly<Record<string, unknown>>[];
  readonly images: readonly { readonly id: string; readonly role: string; readonly renditions: readonly KitFile[] }[];
  readonly videos: readonly (KitFile & { readonly id: string; readonly duration_s: number })[];
  readonly scores: Readonly<Record<"overall" | "copy" | "images" | "video", number | null>>;
  readonly cost: { readonly currency: "CNY"; readonly estimated: string; readonly settled: string };
}

export interface KitFile {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Following {
  /** Give up after so long; the run itself goes on. Default: a day. */
  readonly limitMs?: number;
  /** The janitor starts a run by hand anew when its process died; wait so long for that. Default: 40 minutes. */
  readonly resumeWaitMs?: number;
  readonly firstPauseMs?: number;
  readonly mostPauseMs?: number;
  readonly signal?: AbortSignal;
  /** Called whenever the run is looked at. */
  readonly onLook?: (run: Run) => void;
}

/** An answer that is no success. `message` is what the other side said. */
export class SkuflowError extends Error {
  override readonly name: string = "SkuflowError";

  constructor(
    message: string,
    /** Of HTTP; 0 where nothing answered. */
    readonly status: number,
  ) {
    super(message);
  }
}

/** What was asked for cannot be done; asking again changes nothing. */
export class SkuflowRefusedError extends SkuflowError {
  override readonly name = "SkuflowRefusedError";
}

const TRIES = 4;
const PASSING = new Set([0, 408, 425, 429, 500, 502, 503, 504]);
const CUT = /^[0-9]+ SKUs in [0-9]+ chunks, each a run of its own(?: .*)?; batch (\S+)$/;

interface PrefectRun {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly tags: readonly string[];
  readonly state: { readonly type: string; readonly name: string; readonly message: string | null } | null;
}

interface Asked {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

export class SkuflowClient {
  readonly #options: SkuflowOptions;
  readonly #prefect: string;
  /** Prefect's CSRF tokens belong to a client that names itself. */
  readonly #clientId = randomUUID();
  #csrf: string | undefined;

  constructor(options: SkuflowOptions) {
    this.#options = options;
    this.#prefect = options.prefectUrl.replace(/\/+$/, "");
  }

  /**
   * Starts a run for a catalog. The same key starts one run only, so this may be repeated when in doubt; a key that was
   * used before gives the run of then, whatever is wanted now.
   *
   * @returns the run's id
   * @throws SkuflowRefusedError for parameters that the form does not take
   */
  async startListings(wanted: ListingsWanted, idempotencyKey: string): Promise<string> {
    return await this.#start("new-listings/manual", wanted, idempotencyKey);
  }

  /** As startListings, for one SKU. */
  async startKit(wanted: KitWanted, idempotencyKey: string): Promise<string> {
    return await this.#start("listing-kit/manual", wanted, idempotencyKey);
  }

  /** How the run is now. @throws SkuflowRefusedError (status 404) for a run that there is not */
  async run(id: string, signal?: AbortSignal): Promise<Run> {
    const url = `${this.#prefect}/flow_runs/${encodeURIComponent(id)}`;
    return told((await this.#prefectJson({ method: "GET", url, signal })) as PrefectRun);
  }

  /**
   * Waits for the run's end, with growing pauses, over restarts of the server. Where the run's process died, the run
   * that was started for it is followed; its id is then the one returned.
   *
   * @throws SkuflowError (status 0) at the limit, or when Prefect was away for longer than the tries of one look
   */
  async finished(id: string, following: Following = {}): Promise<Run> {
    const { limitMs = 86_400_000, resumeWaitMs = 2_400_000, mostPauseMs = 30_000, signal } = following;
    const deadline = performance.now() + limitMs;
    let pauseMs = following.firstPauseMs ?? 1_000;
    let crashedAt: number | undefined;
    let current = id;
    for (;;) {
      const run = await this.run(current, signal);
      following.onLook?.(run);
      if (run.outcome !== "working" && run.outcome !== "crashed") {
        return run;
      }
      if (run.outcome === "crashed") {
        crashedAt ??= performance.now();
        const next = await this.#resumption(id, current, signal);
        if (next !== undefined) {
          current = next;
          crashedAt = undefined;
          continue;
        }
        if (performance.now() - crashedAt >= resumeWaitMs) {
          return run;
        }
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        throw new SkuflowError(`run ${current} has not ended within ${limitMs} ms; it goes on`, 0);
      }
      await sleep(Math.min(jittered(pauseMs), leftMs), undefined, signal ? { signal } : {});
      pauseMs = Math.min(pauseMs * 1.5, mostPauseMs);
    }
  }

  /** The SKU's kit.json. @throws SkuflowRefusedError (status 404) while there is none */
  async kit(sku: string, signal?: AbortSignal): Promise<Kit> {
    return await read(await this.#fetchKits(sku, "kit.json", signal));
  }

  /** The kit.json at the signed address of a webhook (`kit_url`), which is good for a while only. */
  async kitAt(url: string, signal?: AbortSignal): Promise<Kit> {
    return await read(await this.#fetch({ method: "GET", url, signal }));
  }

  /** A file of the SKU's kit, as kit.json names it; read `body` or `arrayBuffer()`. */
  async file(sku: string, file: string, signal?: AbortSignal): Promise<Response> {
    return await this.#fetchKits(sku, file, signal);
  }

  async #start(deployment: string, wanted: Products, idempotencyKey: string): Promise<string> {
    if (!idempotencyKey) {
      throw new SkuflowRefusedError("give a key: the same one for the same order", 0);
    }
    const found = (await this.#prefectJson({
      method: "GET",
      url: `${this.#prefect}/deployments/name/${deployment}`,
    })) as { id: string };
    const made = (await this.#prefectJson({
      method: "POST",
      url: `${this.#prefect}/deployments/${found.id}/create_flow_run`,
      body: { parameters: wanted, idempotency_key: idempotencyKey },
    })) as { id: string };
    return made.id;
  }

  /** The newest run that was started in place of `root`, if it is another than `known`. */
  async #resumption(root: string, known: string, signal?: AbortSignal): Promise<string | undefined> {
    const runs = (await this.#prefectJson({
      method: "POST",
      url: `${this.#prefect}/flow_runs/filter`,
      body: { flow_runs: { tags: { all_: [`resumed-from:${root}`] } }, sort: "EXPECTED_START_TIME_DESC", limit: 50 },
      signal,
    })) as readonly PrefectRun[];
    const newest = [...runs].sort((a, b) => Date.parse(b.created) - Date.parse(a.created))[0];
    return newest === undefined || newest.id === known ? undefined : newest.id;
  }

  async #prefectJson(asked: Asked): Promise<unknown> {
    const { prefectAuth } = this.#options;
    const headers: Record<string, string> = { accept: "application/json" };
    if (prefectAuth) {
      headers["authorization"] = `Basic ${Buffer.from(prefectAuth, "utf8").toString("base64")}`;
    }
    for (let fresh = false; ; fresh = true) {
      if (asked.method === "POST" && this.#csrf !== undefined) {
        headers["prefect-csrf-token"] = this.#csrf;
        headers["prefect-csrf-client"] = this.#clientId;
      }
      try {
        return await (await this.#fetch({ ...asked, headers })).json();
      } catch (error) {
        // Only a server with CSRF protection says this, and a token of yesterday is of no use.
        const wantsToken = error instanceof SkuflowError && error.status === 403 && /csrf|client identifier/i.test(error.message);
        if (!wantsToken || fresh) {
          throw error;
        }
        const url = `${this.#prefect}/csrf-token?client=${this.#clientId}`;
        const reply = await this.#fetch({ method: "GET", url, headers, signal: asked.signal });
        this.#csrf = ((await reply.json()) as { token: string }).token;
      }
    }
  }

  async #fetchKits(sku: string, file: string, signal?: AbortSignal): Promise<Response> {
    const { kitsUrl, kitsToken } = this.#options;
    if (!kitsUrl || !kitsToken) {
      throw new SkuflowRefusedError("set kitsUrl and kitsToken to fetch kits", 0);
    }
    const url = `${kitsUrl.replace(/\/+$/, "")}/kits/${encodeURIComponent(sku)}/${encodeURIComponent(file)}`;
    // A redirect leads to the bucket's signed link; fetch does not send the token there.
    return await this.#fetch({ method: "GET", url, headers: { authorization: `Bearer ${kitsToken}` }, signal });
  }

  /** Everything that is asked may be asked twice: reads, and runs with a key. */
  async #fetch(asked: Asked): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(asked);
      } catch (error) {
        if (!(error instanceof SkuflowError) || !PASSING.has(error.status) || attempt === TRIES) {
          throw error;
        }
        await sleep(jittered((this.#options.retryPauseMs ?? 750) * 3 ** (attempt - 1)), undefined, asked.signal ? { signal: asked.signal } : {});
      }
    }
  }

  async #once(asked: Asked): Promise<Response> {
    const limit = AbortSignal.timeout(this.#options.timeoutMs ?? 30_000);
    const init: RequestInit = {
      method: asked.method,
      headers: { ...asked.headers, ...(asked.body === undefined ? {} : { "content-type": "application/json" }) },
      signal: asked.signal ? AbortSignal.any([limit, asked.signal]) : limit,
    };
    if (asked.body !== undefined) {
      init.body = JSON.stringify(asked.body);
    }
    let reply: Response;
    try {
      reply = await fetch(asked.url, init);
    } catch (error) {
      asked.signal?.throwIfAborted();
      throw new SkuflowError(`${new URL(asked.url).host} does not answer (${reason(error)})`, 0);
    }
    if (reply.ok) {
      return reply;
    }
    const message = said(await reply.text(), reply.status);
    throw PASSING.has(reply.status)
      ? new SkuflowError(message, reply.status)
      : new SkuflowRefusedError(message, reply.status);
  }
}

async function read(reply: Response): Promise<Kit> {
  const kit = (await reply.json()) as Kit;
  if (kit.schema !== "skuflow.kit/1") {
    throw new SkuflowRefusedError(`this client does not know kits of ${String(kit.schema)}`, 200);
  }
  return kit;
}

function told(run: PrefectRun): Run {
  const message = run.state?.message ?? "";
  const batchId = CUT.exec(message)?.[1];
  const outcome = outcomeOf(run.state?.type ?? "PENDING", run.state?.name ?? "", batchId !== undefined);
  return { id: run.id, name: run.name, outcome, message, ...(batchId === undefined ? {} : { batchId }) };
}

function outcomeOf(type: string, name: string, cut: boolean): Outcome {
  switch (type) {
    case "COMPLETED":
      return name === "Unfinished" ? "unfinished" : cut ? "handed_on" : "complete";
    case "FAILED":
      return "refused";
    case "CRASHED":
      return "crashed";
    case "CANCELLED":
      return "cancelled";
    case "SCHEDULED":
    case "PENDING":
    case "RUNNING":
    case "PAUSED":
    case "CANCELLING":
      return "working";
    default:
      throw new SkuflowRefusedError(`Prefect calls the run ${type}, which this client does not know`, 200);
  }
}

function said(body: string, status: number): string {
  try {
    const detail = (JSON.parse(body) as { detail?: unknown }).detail;
    if (typeof detail === "string") {
      return detail;
    }
  } catch {
    // No JSON, such as a proxy's page.
  }
  return `${status}: ${body.slice(0, 300)}`;
}

function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { code?: unknown }).code;
  return typeof code === "string" ? code : cause instanceof Error ? cause.name : String(cause);
}

function jittered(pauseMs: number): number {
  return pauseMs * (0.75 + Math.random() / 2);
}
