"""What the configured vendors are asked to say about themselves before anything is made: would they take our usual
wishes, by which model, at which price? Asks nobody outside of this process.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flows.wishes import Wishes
from skuflow.catalog.product import Product, ProductSource
from skuflow.jobs.contract import (
    DEFAULT_MARKETPLACE,
    Capability,
    CopyRequest,
    CreationRequest,
    ImageRequest,
    ImageTask,
    JudgeRequest,
    MicroCNY,
    Provider,
    Request,
    SceneFrame,
    Slot,
    VideoRequest,
)
from skuflow.jobs.errors import NEEDS_VENDOR, InvalidInputError
from skuflow.listing.brief import BriefError, Stage
from skuflow.listing.storyboard import make_storyboard
from skuflow.settings import Settings, SettingsError
from skuflow.storage.objects import StoredObject
from tasks.wiring import Wiring

_SKU = "sample"
_STYLE = "kitchen"
_PICTURE = StoredObject("sample.jpg", "0" * 64, 1_000, "image/jpeg")
_TEXT = StoredObject("sample.json", "0" * 64, 1_000, "application/json")


@dataclass(frozen=True, slots=True)
class Able:
    """What a provider would do for a capability as it is configured: the models that it would use for the usual
    wishes, and the most that one of them may cost.
    """

    models: tuple[str, ...]
    most_micro: MicroCNY


def require_usable(wiring: Wiring) -> None:
    """Raises SettingsError, in one line, where a model, a cap or a provider is set that can do nothing: found out
    now instead of once for every SKU.
    """
    settings = wiring.settings
    in_use: dict[str, Provider] = {}
    for capability, name in settings.providers_in_use():
        in_use[name] = wiring.provider_named(name)
        ability(in_use[name], capability, settings)
    for cap in settings.caps():
        provider = in_use.get(cap.provider)
        if provider is not None and cap.capability not in provider.capabilities:
            raise SettingsError(
                f"SKUFLOW_CAPS: {cap.provider} cannot do {cap.capability}; {_can_do(provider)}"
            )
    for name, capability in _models_set(settings, in_use):
        if capability not in in_use[name].capabilities:
            raise SettingsError(f"SKUFLOW_MODELS: {name} cannot do {capability}; {_can_do(in_use[name])}")


def ability(provider: Provider, capability: Capability, settings: Settings) -> Able:
    """What the provider would do. Raises SettingsError where it refuses every usual wish of the capability."""
    model = settings.model_for(provider.name, capability)
    refusal: InvalidInputError | None = None
    models: list[str] = []
    most_micro = 0
    for request in _usual_wishes(capability):
        asked = replace(request, model=model) if model else request
        try:
            most_micro = max(most_micro, provider.estimate(asked))
        except InvalidInputError as error:
            refusal = refusal or error
            continue
        models.append(provider.model_for(asked))
    if models or refusal is None or refusal.code == NEEDS_VENDOR:
        return Able(tuple(dict.fromkeys(models)), most_micro)
    said = " ".join(refusal.message.split())
    if model:
        raise SettingsError(f"SKUFLOW_MODELS: {provider.name}.{capability}={model}: {said}")
    raise SettingsError(f"SKUFLOW_PROVIDERS: {capability}={provider.name} can make nothing: {said}")


def require_written(wiring: Wiring, wishes: Wishes) -> None:
    """Raises BriefError, in one line, for a language that was asked for by name and that no provider of copy writes.
    One that comes with a market is left out of its kit instead, which says so.
    """
    if wishes.stages and Stage.COPY not in wishes.stages:
        return
    writers = [wiring.provider_named(name) for name in wiring.settings.providers_for(Capability.COPY)]
    for language in wishes.languages:
        refusals = [said for writer in writers if (said := _refusal(writer, _copy_wish(language)))]
        if writers and len(refusals) == len(writers):
            raise BriefError(
                f"--language {language}: {refusals[0]}",
                message_zh=f"语言 {language}：现有文案供应商都不写该语言；"
                "请改选语言，或在 SKUFLOW_PROVIDERS 中增加能写的供应商",
            )


def _refusal(provider: Provider, request: Request) -> str:
    """Why the provider would not take the request; "" where it would."""
    try:
        provider.estimate(request)
    except InvalidInputError as error:
        return " ".join(error.message.split())
    return ""


def _models_set(settings: Settings, in_use: dict[str, Provider]) -> Iterator[tuple[str, Capability]]:
    for name in dict.fromkeys(settings.providers_with_models()):
        for capability in Capability:
            if name in in_use and settings.model_for(name, capability):
                yield name, capability


def _can_do(provider: Provider) -> str:
    return f"it can do {', '.join(sorted(provider.capabilities))}"


def _mug() -> Product:
    return Product(
        sku=_SKU,
        titles={"en": "Ceramic mug", "zh": "陶瓷马克杯"},
        attributes={"材质": "陶瓷"},
        source=ProductSource(catalog=_SKU),
    )


def _copy_wish(language: str) -> CopyRequest:
    return CopyRequest(
        slot=Slot(_SKU, "copy", language=language, marketplace=DEFAULT_MARKETPLACE),
        product=_mug(),
        language=language,
        marketplace=DEFAULT_MARKETPLACE,
    )


def _usual_wishes(capability: Capability) -> Iterator[Request]:
    """One of each kind, with stand-ins for pictures: an estimate does not read storage."""
    product = _mug()
    if capability is Capability.COPY:
        yield _copy_wish("en")
    elif capability is Capability.IMAGE:
        yield ImageRequest(
            slot=Slot(_SKU, "image:scene"),
            product=product,
            photo=_PICTURE,
            cutout=_PICTURE,
            style=_STYLE,
            prompt="A sunny kitchen counter.",
            sizes_px=((800, 800),),
        )
        for task in ImageTask:
            yield CreationRequest(
                slot=Slot(_SKU, f"image:{task}"),
                product=product,
                task=task,
                pictures=() if task is ImageTask.CONCEPT else (_PICTURE,),
                description="in blue",
                prompt="A realistic product photo.",
            )
    elif capability is Capability.VIDEO:
        yield VideoRequest(
            slot=Slot(_SKU, "video"),
            product=product,
            frames=(SceneFrame(style=_STYLE, picture=_PICTURE, provider=""),),
            cutout=_PICTURE,
            photo=_PICTURE,
            storyboard=make_storyboard((_STYLE,), duration_s=5.0),
            size_px=(1080, 1920),
            prompt="Steam rises slowly.",
        )
    else:
        yield JudgeRequest(
            slot=Slot(_SKU, "judge:image:scene"), product=product, picture=_PICTURE, reference=_PICTURE
        )
        yield JudgeRequest(
            slot=Slot(_SKU, "judge:copy", language="en", marketplace=DEFAULT_MARKETPLACE),
            product=product,
            text=_TEXT,
        )
