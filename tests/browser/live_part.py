"""A page with one part that updates itself: it counts to three and rests, or finds the log-in, or an error."""

from itertools import count

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template import engines
from django.urls import path
from django.utils.html import format_html
from django.utils.safestring import SafeString

PAGE = """{% extends "base.html" %}{% block content %}<h1>Live</h1>{{ part }}{% endblock %}"""
LAST = 3
numbers = count(1)


def part(kind: str, number: int) -> SafeString:
    again = format_html('hx-get="/{}/" hx-trigger="every 100ms" hx-swap="outerHTML"', kind) if number < LAST else ""
    return format_html('<section id="part" {} data-announce="{} done"><p>{}</p></section>', again, number, number)


def page(request: HttpRequest, kind: str) -> HttpResponse:
    return HttpResponse(engines["django"].from_string(PAGE).render({"part": part(kind, 0)}, request))


def counting(request: HttpRequest) -> HttpResponse:
    return HttpResponse(part("counting", next(numbers)))


def logged_out(request: HttpRequest) -> HttpResponse:
    return redirect("/accounts/login/")


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "500.html", status=503)


def log_in(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<h1>Log in</h1>")


urlpatterns = [
    path("pages/<kind>", page),
    path("counting/", counting),
    path("logged_out/", logged_out),
    path("broken/", broken),
    path("accounts/login/", log_in),
]
