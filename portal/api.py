"""The JSON API under ``/api/v1``. Rooms bring their routers; ``portal.urls`` puts them together."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import ValidationError

from portal.errors import Invalid, PortalError, error_response

DESCRIPTION = (
    "Begin a dataset, say which files are coming, ask which are verified, close it. The bytes themselves go by tus 1.0."
    "\n\n"
    "Programs send an upload token as `Authorization: Bearer lcu_…`; people who are logged in use their session."
    "\n\n"
    "Under `/me` a person's own programs see what the person may see, by a personal access token: "
    "`Authorization: Bearer lcp_…`.\n\n"
    "Recipients need neither: under `/shared`, the secret of their link (`lcs_…`) stands in the address."
)


def make_api() -> NinjaAPI:
    api = NinjaAPI(
        title="Labcourier", version="1", description=DESCRIPTION, docs_url="/docs", docs_decorator=require_safe
    )

    @api.exception_handler(PortalError)
    def refused(request: HttpRequest, error: PortalError) -> HttpResponse:
        return error_response(request, error)

    @api.exception_handler(ValidationError)
    def not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        fields = [{"field": ".".join(map(str, problem["loc"])), "message": problem["msg"]} for problem in error.errors]
        sentence = "; ".join(f"{field['field']}: {field['message']}" for field in fields[:5])
        refusal = Invalid(f"The request is not right: {sentence}.", fields=fields)
        return JsonResponse(refusal.as_json(), status=refusal.status)

    return api
