"""Races between processes. Each program is also the long form of a test of the same name."""

import os

import django
from django.apps import apps

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
    django.setup()
