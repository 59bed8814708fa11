"""Bearer keys: `Authorization: Bearer ms_sk_<64 hex>`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from memories import keys


class ApiKeyAuthentication(BaseAuthentication):
    """The user of the key in the header; without a Bearer header the next class, the session, is asked."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, str] | None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        user = keys.user_of(key.strip())
        if user is None:
            raise AuthenticationFailed("This key is not valid; make one under Settings, or with create_api_key.")
        return user, "key"

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself
    """How the OpenAPI schema tells of it."""

    target_class = "memories.api.authentication.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "ms_sk_<64 hex>"}
