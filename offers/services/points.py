"""What a DSO sets at its own congestion points."""

from offers import models


def set_answers_automatically(
    owner: models.Participant, point_id: int, value: bool
) -> models.CongestionPoint:
    """Whether offers that pass the rules are accepted at once there, or wait for staff."""
    point = models.CongestionPoint.objects.get(pk=point_id, dso=owner)
    if point.answers_automatically != value:
        point.answers_automatically = value
        point.save(update_fields=["answers_automatically"])
    return point
