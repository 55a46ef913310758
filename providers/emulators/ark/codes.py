"""Ark's errors: real HTTP codes and ``{"error": {code, message, param, type}}`` (page 82379/1299023)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.emulators.core.faults import Fault

TABLE: Mapping[str, tuple[int, str]] = {
    "MissingParameter": (400, "The request is missing a required parameter."),
    "InvalidParameter": (400, "A parameter specified in the request is not valid."),
    "InvalidParameter.TaskTypeConstraint": (400, "The parameter does not fit this type of task."),
    "InputTextSensitiveContentDetected": (400, "The input text may contain sensitive information."),
    "InputTextSensitiveContentDetected.PolicyViolation": (400, "The input text may violate copyright."),
    "InputImageSensitiveContentDetected": (400, "The input image may contain sensitive information."),
    "InputImageSensitiveContentDetected.PrivacyInformation": (
        400,
        "The input image may contain real person.",
    ),
    "InputImageSensitiveContentDetected.PolicyViolation": (400, "The input image may violate copyright."),
    "OutputImageSensitiveContentDetected": (400, "The output image may contain sensitive information."),
    "OutputVideoSensitiveContentDetected": (400, "The output video may contain sensitive information."),
    "OutputVideoSensitiveContentDetected.PolicyViolation": (400, "The output video may violate copyright."),
    "AuthenticationError": (401, "The API key in the request is missing or invalid."),
    "AccountOverdueError": (403, "The account has an overdue balance."),
    "AccessDenied": (403, "The request is denied for lack of permission."),
    "InvalidEndpointOrModel.NotFound": (
        404,
        "The model or endpoint does not exist or you have no access to it.",
    ),
    "ModelNotOpen": (404, "Your account has not activated the model. Please activate it in the console."),
    # What a query for an unknown task says is unconfirmed.
    "ResourceNotFound": (404, "The specified task does not exist."),
    "RateLimitExceeded.EndpointRPMExceeded": (429, "Requests per minute of the endpoint exceeded."),
    "RateLimitExceeded.EndpointTPMExceeded": (429, "Tokens per minute of the endpoint exceeded."),
    "ModelAccountRpmRateLimitExceeded": (429, "Requests per minute of the account for the model exceeded."),
    "ModelAccountTpmRateLimitExceeded": (429, "Tokens per minute of the account for the model exceeded."),
    "QuotaExceeded": (429, "The free quota of the account is used up."),
    "ModelLoadingError": (429, "The model is being loaded, please retry later."),
    "ServerOverloaded": (429, "The service is overloaded, please retry later."),
    "InternalServiceError": (500, "The service encountered an unexpected internal error."),
}
"""Code -> HTTP status and message."""

_TYPES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    500: "InternalServerError",
}

REFUSALS: Mapping[Fault, str] = {
    Fault.THROTTLE: "RateLimitExceeded.EndpointRPMExceeded",
    Fault.THROTTLE_BURST: "ModelAccountRpmRateLimitExceeded",
    Fault.THROTTLE_PARALLEL: "ServerOverloaded",
    Fault.SERVER_BUSY: "InternalServiceError",
    Fault.REJECT_CREATE: "InputImageSensitiveContentDetected.PrivacyInformation",
    Fault.ARREARS: "AccountOverdueError",
    Fault.QUOTA_USED_UP: "QuotaExceeded",
    Fault.AUTH: "AuthenticationError",
}
"""Scripted faults that refuse a request, with the code that each says unless the emulator is told another."""


class ArkError(Exception):
    """Ark refuses with one of the table's codes; ``detail`` replaces the code's own message."""

    def __init__(self, code: str, detail: str = "", param: str = "") -> None:
        self.code = code
        self.status, text = TABLE[code]
        self.message = detail or text
        self.param = param
        super().__init__(self.message)

    def body(self, request_id: str) -> dict[str, Any]:
        return {
            "error": {
                "code": self.code,
                "message": f"{self.message} Request id: {request_id}",
                "param": self.param,
                "type": _TYPES[self.status],
            }
        }


def missing(param: str) -> ArkError:
    return ArkError("MissingParameter", f"The request is missing the parameter `{param}`.", param)


def invalid(param: str, why: str) -> ArkError:
    return ArkError("InvalidParameter", f"The parameter `{param}` is not valid: {why}.", param)
