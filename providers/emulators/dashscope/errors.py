"""DashScope's error codes and the two envelopes they come in.

Source: Model Studio "Error messages" and "Return status codes" pages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

ERRORS: Mapping[str, tuple[int, str]] = {
    "InvalidParameter": (
        400,
        "Required parameter(s) missing or invalid, please check the request parameters.",
    ),
    "InvalidParameter.DataInspection": (
        400,
        "Unable to download the media resource during the data inspection process.",
    ),
    "DataInspectionFailed": (400, "Input data may contain inappropriate content."),
    "IPInfringementSuspect": (400, "Input data is suspected of being involved in IP infringement."),
    "InvalidURL": (400, "The request URL is invalid, please check it."),
    "BadRequest.EmptyInput": (400, "Required input parameter missing from request."),
    "BadRequest.EmptyParameters": (400, 'Required parameter "parameters" missing from request.'),
    "BadRequest.EmptyModel": (400, 'Required parameter "model" missing from request.'),
    "UnsupportedOperation": (400, "The operation is unsupported on the referee object."),
    "Arrearage": (400, "Access denied, please make sure your account is in good standing."),
    "InvalidApiKey": (401, "Invalid API-key provided."),
    "AccessDenied": (403, "Access denied."),
    "AccessDenied.Unpurchased": (
        403,
        "Access to model denied. Please make sure you are eligible for using it.",
    ),
    "Model.AccessDenied": (403, "Model access denied."),
    "Workspace.AccessDenied": (403, "Workspace access denied."),
    "AllocationQuota.FreeTierOnly": (
        403,
        "The free tier of the model has been exhausted. To go on, disable the use of the free tier only.",
    ),
    "ModelNotFound": (404, "The model does not exist."),
    "Model.NotExist": (404, "Model not exist."),
    "model_not_found": (404, "The model does not exist or you do not have access to it."),
    "model_not_supported": (404, "The model is not supported by the compatible mode."),
    "WorkSpaceNotFound": (404, "WorkSpace can not be found."),
    "NotFound": (404, "Not found!"),
    "RequestTimeOut": (500, "Request timed out, please try again later."),
    "BadRequest.TooLarge": (413, "Payload Too Large"),
    "Throttling": (429, "Requests throttling triggered."),
    "Throttling.RateQuota": (429, "Requests rate limit exceeded, please try again later."),
    "LimitRequests": (429, "You exceeded your current requests list."),
    "limit_requests": (429, "You exceeded your current requests list."),
    "Throttling.BurstRate": (429, "Request rate increased too quickly. Please scale requests more smoothly."),
    "limit_burst_rate": (429, "Request rate increased too quickly. Please scale requests more smoothly."),
    "Throttling.AllocationQuota": (429, "Allocated quota exceeded, please increase your quota limit."),
    "insufficient_quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "CommodityNotPurchased": (429, "Commodity has not purchased yet."),
    "PrepaidBillOverdue": (429, "The prepaid bill is overdue."),
    "PostpaidBillOverdue": (429, "The postpaid bill is overdue."),
    "InternalError": (500, "An internal error has occurred, please try again later."),
    "InternalError.Algo": (500, "An internal error has occurred during execution, please try again later."),
    "InternalError.FileUpload": (500, "oss upload error."),
    "InternalError.Upload": (500, "Failed to upload result."),
    "InternalError.Timeout": (500, "An internal timeout error has occurred during execution."),
    "SystemError": (500, "An system error has occurred, please try again later."),
    "ModelServiceFailed": (500, "Failed to request model service."),
    "RewriteFailed": (500, "Failed to rewrite content for prompt."),
    "ModelServingError": (
        503,
        "Too many requests. Your requests are being throttled due to system capacity limits.",
    ),
    "ModelUnavailable": (503, "Model is unavailable, please try again later."),
}
"""HTTP status and a usual message by native code, and by those compatible codes that are not derived from one."""

TASK_ERRORS: Mapping[str, str] = {
    "InvalidParameter.FileDownload": "download for input_image error",
    "BadRequest.InputDownloadFailed": "Failed to download the input file.",
    "BadRequest.UnsupportedFileFormat": "Base image require RGBA format, but is RGB, please check your input image.",
    "InvalidParameter.ImageFormat": "The input image format is not supported.",
    "InvalidParameter.ImageContent": "The content of the input image is not supported.",
    "InvalidParameter.JsonPhrase": "input json parse error",
    "InvalidFile.Content": "The input file cannot be processed.",
    "InvalidFile.Resolution": "The resolution of the input file is not supported.",
    "InvalidImageResolution": "The input image resolution is too large or small.",
    "DataInspectionFailed": "Output data may contain inappropriate content.",
    "IPInfringementSuspect": "Output data is suspected of being involved in IP infringement.",
    "InternalError.Timeout": "An internal timeout error has occurred during execution.",
    "InternalError.Algo": "An internal error has occurred during algorithm execution.",
    "InternalError": "An internal error has occurred, please try again later.",
}
"""Codes with which a task that was accepted fails, and the usual messages."""

_COMPATIBLE: Mapping[str, str] = {
    "InvalidParameter": "invalid_parameter_error",
    "Throttling": "limit_requests",
    "Throttling.RateQuota": "limit_requests",
    "Throttling.BurstRate": "limit_burst_rate",
    "Throttling.AllocationQuota": "insufficient_quota",
}


class Refusal(Exception):  # noqa: N818 - a reply, not a mistake of the program
    """A request that is not accepted. Raises KeyError for a code that DashScope does not have."""

    def __init__(self, code: str, message: str = "", status: int | None = None) -> None:
        usual_status, usual_message = ERRORS[code]
        self.code = code
        self.message = message or usual_message
        self.status = status or usual_status
        super().__init__(f"{code}: {self.message}")

    def native(self, request_id: str) -> dict[str, Any]:
        """The envelope of ``/api/v1``."""
        return {"code": self.code, "message": self.message, "request_id": request_id}

    def compatible(self, request_id: str) -> dict[str, Any]:
        """The envelope of ``/compatible-mode/v1``; its fields beyond code, message and type are unconfirmed."""
        kind = "invalid_request_error" if self.status < 429 else "server_error"
        code = _COMPATIBLE.get(self.code) or _snake(self.code)
        error = {
            "message": self.message,
            "type": code if self.status == 429 else kind,
            "param": None,
            "code": code,
        }
        return {"error": error, "request_id": request_id}


class TaskFailure(Exception):  # noqa: N818 - how a task ends
    """What an accepted task will fail with. Raises KeyError for a code that tasks do not fail with."""

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.message = message or TASK_ERRORS[code]
        super().__init__(f"{code}: {self.message}")


def invalid(message: str) -> Refusal:
    return Refusal("InvalidParameter", message)


def _snake(code: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", code.replace(".", "_")).lower()
