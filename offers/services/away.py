"""What is raised when Redis does not answer. Its client is loaded only where there is a Redis: it costs each
process a tenth of a second and several megabytes."""

from django.conf import settings

REDIS_AWAY: tuple[type[Exception], ...] = (OSError,)

if settings.REDIS_URL:
    from redis.exceptions import RedisError

    REDIS_AWAY = (OSError, RedisError)
