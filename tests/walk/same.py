"""Whether two answers can be told apart: G33 asks it of a foreign row and of one that there is not."""

import re

from django.http import HttpResponse

# What belongs to one answer only: tokens of forms, clocks, ids that were asked for.
RESTLESS = re.compile(
    rb'csrf[^>]*>|value="[A-Za-z0-9]{64}"|data-now="[^"]*"|[0-9]{2}:[0-9]{2}:[0-9]{2}|next=[^"]*'
)
OWN = {"Content-Length"}  # an address that was asked for may be longer than another


def same(one: HttpResponse, other: HttpResponse) -> bool:
    """Whether two answers cannot be told apart."""
    contents = [RESTLESS.sub(b"", answer.content) for answer in (one, other)]
    headers = [{name: text for name, text in answer.items() if name not in OWN} for answer in (one, other)]
    return one.status_code == other.status_code and contents[0] == contents[1] and headers[0] == headers[1]
