"""What gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flexportal.settings")
application = get_wsgi_application()

from flexportal import heap, unsafe  # noqa: E402  # it has a check, and checks need the apps

unsafe.refuse()
heap.is_loaded()
