"""DashScope's errors, row by row, and what else all of its endpoints share."""

from __future__ import annotations

import pytest

from providers.dashscope.wire import (
    base_headers,
    complaint_in,
    error_of,
    gone,
    native_base_url,
    require_key,
    task_state,
)
from providers.emulators.dashscope.errors import ERRORS, TASK_ERRORS
from skuflow.jobs.contract import JobState
from skuflow.jobs.errors import (
    AmbiguousSubmitError,
    AuthError,
    ContentRejectedError,
    InsufficientBalanceError,
    InvalidInputError,
    JobExpiredError,
    ProviderError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from skuflow.settings import SettingsError, read_settings

Kind = type[ProviderError]

SAME_EVERYWHERE: list[tuple[int, str, str, Kind]] = [
    (400, "InvalidParameter", "Model not exist.", InvalidInputError),
    (
        400,
        "InvalidParameter",
        "Required body invalid, please check the request body format.",
        InvalidInputError,
    ),
    (400, "DataInspectionFailed", "Input data may contain inappropriate content.", ContentRejectedError),
    (400, "data_inspection_failed", "Input data may contain inappropriate content.", ContentRejectedError),
    (400, "IPInfringementSuspect", "", ContentRejectedError),
    (400, "InvalidParameter.DataInspection", "Download the media resource timed out", TransientError),
    (400, "InvalidURL", "", InvalidInputError),
    (400, "BadRequest.EmptyInput", "", InvalidInputError),
    (400, "BadRequest.EmptyParameters", "", InvalidInputError),
    (400, "BadRequest.EmptyModel", "", InvalidInputError),
    (400, "UnsupportedOperation", "Failed to cancel the task", InvalidInputError),
    (
        400,
        "Arrearage",
        "Access denied, please make sure your account is in good standing.",
        InsufficientBalanceError,
    ),
    (401, "InvalidApiKey", "Invalid API-key provided.", AuthError),
    (401, "invalid_api_key", "Incorrect API key provided.", AuthError),
    (403, "AccessDenied", "Access denied.", AuthError),
    (403, "AccessDenied", "current user api does not support synchronous calls.", InvalidInputError),
    (403, "AccessDenied", "current user api does not support asynchronous calls", InvalidInputError),
    (403, "AccessDenied.Unpurchased", "", AuthError),
    (403, "Model.AccessDenied", "", AuthError),
    (403, "Workspace.AccessDenied", "", AuthError),
    (403, "AllocationQuota.FreeTierOnly", "", InsufficientBalanceError),
    (404, "ModelNotFound", "", InvalidInputError),
    (404, "model_not_found", "", InvalidInputError),
    (404, "model_not_supported", "", InvalidInputError),
    (404, "Model.NotExist", "", InvalidInputError),
    (404, "WorkSpaceNotFound", "", AuthError),
    (404, "NotFound", "", InvalidInputError),
    (413, "BadRequest.TooLarge", "", InvalidInputError),
    (429, "Throttling", "", RateLimitedError),
    (429, "Throttling.RateQuota", "", RateLimitedError),
    (429, "LimitRequests", "", RateLimitedError),
    (429, "limit_requests", "", RateLimitedError),
    (429, "Throttling.BurstRate", "", RateLimitedError),
    (429, "limit_burst_rate", "", RateLimitedError),
    (429, "Throttling.AllocationQuota", "Allocated quota exceeded", RateLimitedError),
    (429, "Throttling.AllocationQuota", "Free allocated quota exceeded.", InsufficientBalanceError),
    (429, "insufficient_quota", "You exceeded your current quota", RateLimitedError),
    (429, "insufficient_quota", "Free allocated quota exceeded.", InsufficientBalanceError),
    (429, "CommodityNotPurchased", "", InsufficientBalanceError),
    (429, "PrepaidBillOverdue", "", InsufficientBalanceError),
    (429, "PostpaidBillOverdue", "", InsufficientBalanceError),
    (500, "InternalError.Algo", "Role must be in [user, assistant]", InvalidInputError),
    (503, "ModelServingError", "", TransientError),
    (503, "ModelUnavailable", "", TransientError),
    # the codes of tasks and of their results, in answers that say 200
    (200, "InvalidParameter.FileDownload", "download for input_image error", TransientError),
    (200, "BadRequest.InputDownloadFailed", "", TransientError),
    (
        200,
        "BadRequest.UnsupportedFileFormat",
        "Base image require RGBA format, but is RGB",
        InvalidInputError,
    ),
    (200, "InvalidParameter.ImageFormat", "", InvalidInputError),
    (200, "InvalidParameter.ImageContent", "", InvalidInputError),
    (200, "InvalidParameter.JsonPhrase", "", InvalidInputError),
    (200, "InvalidFile.Content", "", InvalidInputError),
    (200, "InvalidFile.Resolution", "", InvalidInputError),
    (200, "InvalidImageResolution", "", InvalidInputError),
    (200, "DataInspectionFailed", "Output data may contain inappropriate content.", ContentRejectedError),
]

BREAKDOWNS: list[tuple[int, str]] = [
    (408, "RequestTimeOut"),
    (500, "RequestTimeOut"),
    (500, "InternalError"),
    (500, "InternalError.Algo"),
    (500, "InternalError.FileUpload"),
    (500, "InternalError.Upload"),
    (500, "InternalError.Timeout"),
    (200, "InternalError.Timeout"),
    (500, "internal_error"),
    (500, "SystemError"),
    (500, "ModelServiceFailed"),
    (500, "RewriteFailed"),
]


@pytest.mark.parametrize(("status", "code", "message", "kind"), SAME_EVERYWHERE)
@pytest.mark.parametrize("submitting", [False, True])
def test_each_code_has_its_class(status: int, code: str, message: str, kind: Kind, submitting: bool) -> None:
    error = error_of("wanx", status, code, message, "req-1", submitting=submitting)
    assert type(error) is kind
    assert (error.provider, error.code, error.request_id) == ("wanx", code, "req-1")
    assert message in error.message


@pytest.mark.parametrize(("status", "code"), BREAKDOWNS)
def test_a_breakdown_leaves_a_submit_open_and_may_be_asked_after(status: int, code: str) -> None:
    assert type(error_of("wanx", status, code, "", submitting=True)) is AmbiguousSubmitError
    assert type(error_of("wanx", status, code, "", submitting=False)) is TransientError


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, UnexpectedResponseError),
        (400, UnexpectedResponseError),
        (401, AuthError),
        (403, AuthError),
        (408, TransientError),
        (429, RateLimitedError),
        (500, TransientError),
        (502, TransientError),
    ],
)
@pytest.mark.parametrize("code", ["", "SomethingNew", "SomethingNew.Throttling"])
def test_a_code_that_nobody_knows_leaves_a_submit_open(status: int, code: str, kind: Kind) -> None:
    assert type(error_of("wanx", status, code, "", submitting=True)) is AmbiguousSubmitError
    assert type(error_of("wanx", status, code, "", submitting=False)) is kind


def test_every_code_of_the_vendors_pages_is_known() -> None:
    rows = {code for _, code, _, _ in SAME_EVERYWHERE} | {code for _, code in BREAKDOWNS}
    assert set(ERRORS) | set(TASK_ERRORS) <= rows


def test_a_pause_is_handed_on() -> None:
    error = error_of("wanx", 429, "Throttling", "", submitting=True, retry_after_s=3.5)
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == 3.5


def test_words_of_the_vendor_tell_no_secret_and_are_short() -> None:
    words = (
        "Incorrect key sk-abc123def, see https://b.oss.example/x?Signature=abc\nand oss://b/k?y=z "
        + "x" * 900
    )
    told = str(error_of("wanx", 401, "InvalidApiKey", words, submitting=True))
    assert "sk-abc123def" not in told
    assert "Signature" not in told
    assert "oss://" not in told
    assert "\n" not in told
    assert len(told) < 600


def test_complaints_come_in_two_envelopes() -> None:
    native = complaint_in({"code": "InvalidApiKey", "message": "m", "request_id": "r"})
    assert native is not None
    assert (native.code, native.message, native.request_id) == ("InvalidApiKey", "m", "r")
    compatible = complaint_in({"error": {"code": "invalid_api_key", "message": "m"}, "request_id": "r"})
    assert compatible is not None
    assert (compatible.code, compatible.request_id) == ("invalid_api_key", "r")
    assert complaint_in({"output": {}, "code": "", "message": ""}) is None
    assert complaint_in({"output": {}, "request_id": "r"}) is None


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PENDING", JobState.QUEUED),
        ("RUNNING", JobState.RUNNING),
        ("SUSPENDED", JobState.RUNNING),
        ("SUCCEEDED", JobState.SUCCEEDED),
        ("FAILED", JobState.FAILED),
        ("CANCELED", JobState.CANCELED),
        ("CANCELLED", JobState.CANCELED),
        ("UNKNOWN", JobState.EXPIRED),
    ],
)
def test_each_state_is_known(word: str, state: JobState) -> None:
    assert task_state("wanx", word) is state


@pytest.mark.parametrize("word", ["", "succeeded", "PAUSED"])
def test_a_state_that_nobody_knows_is_told_loudly(word: str) -> None:
    with pytest.raises(UnexpectedResponseError):
        task_state("wanx", word)


def test_a_task_that_is_gone_has_expired() -> None:
    assert isinstance(gone("wanx"), JobExpiredError)


def test_headers_carry_key_workspace_and_the_wish_for_a_task() -> None:
    plain = read_settings({"dashscope_api_key": "sk-1"})
    assert base_headers(plain) == {"Authorization": "Bearer sk-1"}
    scoped = read_settings({"dashscope_api_key": "sk-1", "dashscope_workspace_id": "llm-1"})
    assert base_headers(scoped, async_job=True) == {
        "Authorization": "Bearer sk-1",
        "X-DashScope-WorkSpace": "llm-1",
        "X-DashScope-Async": "enable",
    }


def test_the_address_and_the_key_come_from_the_settings() -> None:
    settings = read_settings({"dashscope_api_key": "", "dashscope_http_base_url": "http://h/api/v1/"})
    assert native_base_url(settings) == "http://h/api/v1"
    with pytest.raises(SettingsError, match="DASHSCOPE_API_KEY: wanx needs a key"):
        require_key(settings, "wanx")
