"""The rule book (protocol.md §2.2): one small function per rule, named after it, that yields all reasons.

The functions know nothing but their arguments, so that the same ones judge what a trader types and what
a counterparty sends.
"""

from .activation import Form, Match, chosen_option, match_order, same_power, scaled, scaled_power, written
from .context import Market
from .day import d2_expired, d11_same_offsets, d12_scope
from .identity import check_identity, check_response, v8_already_submitted, v51_version
from .offers import check_offer, check_revocation
from .orders import check_order
from .reasons import Reason, joined
from .requests import check_prognosis, check_request

__all__ = [
    "Form",
    "Market",
    "Match",
    "Reason",
    "check_identity",
    "check_offer",
    "check_order",
    "check_prognosis",
    "check_request",
    "check_response",
    "check_revocation",
    "chosen_option",
    "d2_expired",
    "d11_same_offsets",
    "d12_scope",
    "joined",
    "match_order",
    "same_power",
    "scaled",
    "scaled_power",
    "v8_already_submitted",
    "v51_version",
    "written",
]
