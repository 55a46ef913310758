"""The command line. Every command ends with 0, 1 (unexpected), 2 (unusable input or options), 3 (see its help) or 130
(stopped by Ctrl-C).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.terminal import refuse, say
from flows.wishes import Wishes
from skuflow.catalog.extras import ExtraWishes
from skuflow.ledger.redaction import keep_secret, secrets_of
from skuflow.listing.brief import Stage
from skuflow.refusals import RefusalError
from skuflow.settings import BOTH, Settings, SettingsError, read_settings
from skuflow.storage.objects import StorageError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A product goes in, a complete marketplace listing comes out.",
)

CatalogArgument = Annotated[
    str,
    typer.Argument(
        metavar="CATALOG",
        help="CSV, XLSX or JSON file, a folder with one, a product link, or a product's name.",
    ),
]
SkuOption = Annotated[
    list[str] | None, typer.Option("--sku", help="Only this SKU. May be given several times.")
]
MarketOption = Annotated[list[str] | None, typer.Option("--market", help="ISO 3166 code, EU or SEA.")]
MarketplaceOption = Annotated[list[str] | None, typer.Option("--marketplace", help="aliexpress, amazon, ...")]
LanguageOption = Annotated[list[str] | None, typer.Option("--language", help="en, es, fr, pt, ru, de, ja.")]
StyleOption = Annotated[
    str | None, typer.Option("--style", help="A style that one scene must have, e.g. kitchen or 厨房台面.")
]
StagesOption = Annotated[str, typer.Option("--stages", help="Some of copy,images,video.")]
NoVideoOption = Annotated[bool, typer.Option("--no-video", help="Leave the video out.")]
SizeOption = Annotated[
    list[str] | None, typer.Option("--video-size", help="1080x1920, 1080x1080, 1920x1080.")
]
CaptionsOption = Annotated[str, typer.Option("--captions", help="Language of captions on the video.")]
ModelPhotoOption = Annotated[
    str, typer.Option("--model-photo", help="Picture of a person to show the product with (a vendor's work).")
]
ModelOption = Annotated[
    str, typer.Option("--model", help="The person in words, e.g. 'woman, 30, short hair'.")
]
LineArtOption = Annotated[str, typer.Option("--line-art", help="A line drawing to make a real picture of.")]
ConceptOption = Annotated[
    str, typer.Option("--concept", help="A picture from these words; marked as concept.")
]
AtmosphereOption = Annotated[str, typer.Option("--atmosphere", help="One more video, of this mood.")]
MotionOption = Annotated[
    str, typer.Option("--motion", help="Motion preset of the video, e.g. rising_steam or 热气升腾.")
]
ExtendOption = Annotated[
    str, typer.Option("--extend", help="The photo extended to 1:1, 3:4, 4:3, 9:16 or 16:9.")
]
RemakeOption = Annotated[
    list[str] | None, typer.Option("--remake", help="SKU:ROLE[:SHOT], made again on purpose.")
]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Use the offline provider, whatever is configured.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command()
def run(
    catalog: CatalogArgument,
    sku: SkuOption = None,
    out: Annotated[Path, typer.Option("--out", help="Where the kits are exported to.")] = Path("kits"),
    market: MarketOption = None,
    marketplace: MarketplaceOption = None,
    language: LanguageOption = None,
    style: StyleOption = None,
    stages: StagesOption = "",
    no_video: NoVideoOption = False,
    video_size: SizeOption = None,
    captions: CaptionsOption = "",
    model_photo: ModelPhotoOption = "",
    model: ModelOption = "",
    line_art: LineArtOption = "",
    concept: ConceptOption = "",
    atmosphere: AtmosphereOption = "",
    motion: MotionOption = "",
    extend: ExtendOption = "",
    remake: RemakeOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make kits. 0: every SKU has its kit; 3: some SKUs are blocked, deferred or failed, with their reasons."""
    from flows.commands.run import run_catalog

    settings = _settings(offline)
    extras = ExtraWishes(model_photo, model, line_art, concept, atmosphere, motion, extend)
    wishes = _wishes(
        sku, market, marketplace, language, style, stages, no_video, video_size, captions, extras, remake
    )
    raise typer.Exit(run_catalog(settings, catalog, wishes, out, as_json))


@app.command()
def plan(
    catalog: CatalogArgument,
    sku: SkuOption = None,
    market: MarketOption = None,
    marketplace: MarketplaceOption = None,
    language: LanguageOption = None,
    style: StyleOption = None,
    stages: StagesOption = "",
    no_video: NoVideoOption = False,
    video_size: SizeOption = None,
    captions: CaptionsOption = "",
    model_photo: ModelPhotoOption = "",
    model: ModelOption = "",
    line_art: LineArtOption = "",
    concept: ConceptOption = "",
    atmosphere: AtmosphereOption = "",
    motion: MotionOption = "",
    extend: ExtendOption = "",
    remake: RemakeOption = None,
    offline: OfflineOption = False,
    as_json: JsonOption = False,
) -> None:
    """What a run would make, its cost, and the days it needs under the caps. Spends nothing."""
    from flows.commands.plan import show_plan
    from flows.commands.vendor_probe import require_usable, require_written
    from flows.order import judging_wanted, read_order, shop_of
    from tasks.wiring import using, wire

    settings = _settings(offline)
    extras = ExtraWishes(model_photo, model, line_art, concept, atmosphere, motion, extend)
    wishes = _wishes(
        sku, market, marketplace, language, style, stages, no_video, video_size, captions, extras, remake
    )
    order = read_order(catalog, wishes, judged=judging_wanted(settings), shop=shop_of(settings))
    with using(wire(settings)) as wiring:
        require_usable(wiring)
        require_written(wiring, wishes)
        raise typer.Exit(show_plan(wiring, order, as_json))


@app.command()
def check(
    catalog: CatalogArgument,
    sku: SkuOption = None,
    notes: Annotated[
        bool, typer.Option("--notes", help="Also what asks for nothing; --json always has it.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The intake gate alone. 0: nothing would be blocked (warnings allowed); 3: something would."""
    from flows.commands.check import check_catalog
    from flows.intake_gate import gate_of
    from flows.order import read_order, shop_of
    from flows.wishes import Wishes
    from skuflow.storage.opening import open_store

    settings = _settings(False)
    order = read_order(catalog, Wishes(skus=sku or []), shop=shop_of(settings), downloads=say)
    store = open_store(settings)
    status = check_catalog(
        order, store, as_json, gate_of(settings), languages=settings.languages, notes=notes
    )
    raise typer.Exit(status)


@app.command()
def lint(
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day, e.g. 2027-01-31.")] = None,
    market: Annotated[
        str | None, typer.Option("--market", help="As if all were listed there: ISO 3166 code, EU or SEA.")
    ] = None,
    marketplace: MarketplaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """All kits in storage against the marketplaces' rules of a day. 0: nothing would be refused; 3: something would."""
    from flows.commands.lint import lint_kits

    raise typer.Exit(lint_kits(_settings(False), on, market, marketplace or [], as_json))


@app.command()
def jobs(
    state: Annotated[str | None, typer.Option("--state", help="Only jobs in this state.")] = None,
    day: Annotated[
        str | None, typer.Option("--day", help="Only jobs reserved on this day, e.g. 2026-11-20.")
    ] = None,
    sku: Annotated[str | None, typer.Option("--sku", help="Only jobs of this SKU.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output.")] = False,
    as_json: JsonOption = False,
) -> None:
    """The ledger: one row per submit attempt, with what it cost."""
    from flows.commands.jobs import show_jobs
    from tasks.wiring import using, wire

    with using(wire(_settings(False))) as wiring:
        form = "csv" if as_csv else "json" if as_json else "table"
        raise typer.Exit(show_jobs(wiring.ledger, state, day, sku, form))


@app.command()
def resolve(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The job's key, as skuflow jobs shows it.")],
    not_accepted: Annotated[
        bool, typer.Option("--not-accepted", help="The vendor's console has no such job.")
    ] = False,
    charged: Annotated[
        str, typer.Option("--charged", help="What was charged for it in CNY; its result is lost.")
    ] = "",
    job_id: Annotated[str, typer.Option("--job-id", help="The vendor's id of it, to be collected.")] = "",
) -> None:
    """Say what became of a job in doubt, once you have looked in the vendor's console."""
    from flows.commands.resolve import resolve_job
    from tasks.wiring import using, wire

    with using(wire(_settings(False))) as wiring:
        raise typer.Exit(
            resolve_job(wiring.ledger, key, not_accepted=not_accepted, charged=charged, job_id=job_id)
        )


@app.command()
def costs(
    day: Annotated[
        str | None, typer.Option("--day", help="What was ordered on this day, e.g. 2026-11-20.")
    ] = None,
    run_id: Annotated[
        str | None,
        typer.Option("--run", metavar="ID", help="What this run ordered (run --json tells its id)."),
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="CSV on standard output, as costs.csv.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What kits cost, by SKU and vendor, and against what an agency would take. Spends nothing."""
    from flows.commands.costs import show_costs
    from tasks.wiring import using, wire

    with using(wire(_settings(False))) as wiring:
        form = "csv" if as_csv else "json" if as_json else "table"
        raise typer.Exit(show_costs(wiring, day, run_id, form))


@app.command()
def top(
    figures: Annotated[
        str,
        typer.Argument(
            metavar="[FIGURES]",
            help="CSV or XLSX export, or a folder of them; default: figures/ of storage.",
        ),
    ] = "",
    top_n: Annotated[int, typer.Option("--top", min=1, max=1000, help="How many are to have a video.")] = 50,
    since_days: Annotated[
        int, typer.Option("--days", min=1, max=366, help="Figures of so many days back count.")
    ] = 28,
    min_spend: Annotated[
        float, typer.Option("--min-spend", min=0, help="Products with less ad spend are not ranked.")
    ] = 0,
    least_return: Annotated[
        float, typer.Option("--min-return", min=0, help="Back for 1 spent, below which there is no video.")
    ] = 0,
    margin_percent: Annotated[
        float, typer.Option("--margin", min=0, max=100, help="Usual margin in percent; 0: unknown.")
    ] = 0,
    as_json: JsonOption = False,
) -> None:
    """Which products would get a video next, by what ads bring. Spends nothing. 3: some figures are unreadable."""
    from flows.commands.top import show_top
    from flows.top_search import TopWishes
    from tasks.wiring import using, wire

    wishes = TopWishes.of(top_n, since_days, min_spend, least_return, margin_percent)
    with using(wire(_settings(False))) as wiring:
        raise typer.Exit(show_top(wiring, figures, wishes, as_json))


@app.command()
def doctor(
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Write a diagnostic ZIP without secrets.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Configuration, versions and what can be reached. 0: all well; 3: something to mend."""
    from flows.commands.doctor import examine

    raise typer.Exit(examine(_settings(False), bundle, as_json))


@app.command()
def emulate(
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only", help="kling, dashscope, hailuo, jimeng, ark, openai or oss. May be given several times."
        ),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", help="The first port; each emulator has one of its own. 0: any.")
    ] = 0,
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option("--speed", help="How many vendor seconds pass in a second.")] = 1.0,
    faults: Annotated[
        int | None, typer.Option("--faults", metavar="SEED", help="Let some requests go wrong, by this seed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Stand-ins for the vendors, to rehearse with: no key, no network, nothing owed. Runs until stopped."""
    from flows.commands.emulate import run_emulators

    raise typer.Exit(run_emulators(only or [], port, speed, as_json, faults, host))


@app.command()
def up(as_json: JsonOption = False) -> None:
    """The whole on this machine until stopped: Prefect's server and UI, a worker, deployments, event receiver."""
    from flows.commands.up import run_up

    raise typer.Exit(run_up(_settings(False), as_json))


def _settings(offline: bool) -> Settings:
    settings = read_settings({"skuflow_providers": "", "skuflow_routes": ""} if offline else None)
    keep_secret(secrets_of(settings))
    return settings


def _wishes(
    sku: list[str] | None,
    market: list[str] | None,
    marketplace: list[str] | None,
    language: list[str] | None,
    style: str | None,
    stages: str,
    no_video: bool,
    video_size: list[str] | None,
    captions: str,
    extras: ExtraWishes,
    remake: list[str] | None,
) -> Wishes:
    wanted = [Stage.parse(name) for name in stages.split(",") if name.strip()]
    if no_video:
        wanted = [stage for stage in wanted or Stage if stage is not Stage.VIDEO]
    wishes = Wishes(
        skus=sku or [],
        stages=wanted,
        markets=_each(market),
        marketplaces=_each(marketplace),
        languages=_each(language),
        style=style,
        video_sizes=video_size or [],
        captions=captions,
        extras=extras,
        remake=remake or [],
    )
    wishes.brief()
    return wishes


def _each(given: list[str] | None) -> list[str]:
    """Options may be repeated, or take several values with commas between them."""
    return [value.strip() for one in given or [] for value in one.split(",") if value.strip()]


def main() -> None:
    """Entry point of ``skuflow``."""
    try:
        app()
    except StorageError as error:
        refuse(str(error))
    except RefusalError as error:
        refuse(_in_words(error))


def _in_words(error: RefusalError) -> str:
    try:
        languages = read_settings().languages
    except SettingsError:
        # Nobody has said in which language; the error may be about that very setting.
        languages = BOTH
    said = {"en": error.message, "zh": error.message_zh or error.message}
    return " · ".join(dict.fromkeys(said[language] for language in languages))


if __name__ == "__main__":
    main()
