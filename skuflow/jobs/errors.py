"""What can go wrong with a vendor, classed by what the caller does next.

    ProviderError
      TransientError            back off and ask again (polls, downloads); never repeats a submit
      RateLimitedError          wait ``retry_after_s``; the submit was refused, nothing is owed
      AmbiguousSubmitError      the submit may or may not have been accepted: look it up or park it
      ContentRejectedError      never again with the same prompt: rewrite once, then a person
      AuthError                 stop this provider, alert
      InsufficientBalanceError  stop this provider, alert; a fallback may take over
      InvalidInputError         our request is wrong: fail now
      UnexpectedResponseError   the vendor said something unknown: fail loudly, keep the job
      JobExpiredError           the vendor no longer has the job or its result

A vendor's own code decides the class first, the HTTP status second.
"""

from __future__ import annotations


class ProviderError(Exception):
    """Base. ``code`` is the vendor's, ``request_id`` too; messages carry no secret and no signed address."""

    retryable = False
    """Whether Prefect or a poll loop may simply try the same step again."""

    def __init__(self, message: str, provider: str = "", code: str = "", request_id: str = "") -> None:
        super().__init__(message, provider, code, request_id)
        self.message = message
        self.provider = provider
        self.code = code
        self.request_id = request_id

    def __str__(self) -> str:
        origin = " ".join(part for part in (self.provider, self.code, self.request_id) if part)
        return f"{self.message} [{origin}]" if origin else self.message


class TransientError(ProviderError):
    retryable = True


class RateLimitedError(ProviderError):
    """``parallel``: too many jobs are in work; otherwise too many requests came too fast."""

    retryable = True

    def __init__(
        self,
        message: str,
        provider: str = "",
        code: str = "",
        request_id: str = "",
        retry_after_s: float | None = None,
        parallel: bool = False,
    ) -> None:
        super().__init__(message, provider, code, request_id)
        self.args = (message, provider, code, request_id, retry_after_s, parallel)
        self.retry_after_s = retry_after_s
        self.parallel = parallel


class AmbiguousSubmitError(ProviderError):
    pass


class ContentRejectedError(ProviderError):
    pass


class AuthError(ProviderError):
    pass


class InsufficientBalanceError(ProviderError):
    pass


NEEDS_VENDOR = "NEEDS_VENDOR"
"""The code of an InvalidInputError for work that only a vendor can do, where none is named."""


class InvalidInputError(ProviderError):
    pass


class UnexpectedResponseError(ProviderError):
    pass


class JobExpiredError(ProviderError):
    pass
