"""ISO 4217: which currencies there are and how many decimals their smallest unit has."""

from decimal import ROUND_HALF_UP, Decimal

CODES = frozenset(
    """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD
    HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD
    LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK
    PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS
    TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UYW UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
_ZERO = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
MINOR_UNITS = dict.fromkeys(_ZERO.split(), 0)
MINOR_UNITS |= dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3)
MINOR_UNITS |= dict.fromkeys("CLF UYW".split(), 4)

MAX_DECIMALS = 4


def decimals(currency: str) -> int:
    """The number of decimals of the currency's smallest unit: 2 unless ISO 4217 says otherwise."""
    return MINOR_UNITS.get(currency, 2)


def decimal_text(number: Decimal, least: int) -> str:
    """`number` without exponent and exactly, with at least `least` decimals and no zeros beyond them."""
    whole, _, fraction = f"{number:f}".partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    return f"{whole}.{fraction}" if fraction else whole


def price_text(amount: Decimal, currency: str) -> str:
    """D9: `amount` with the currency's own number of decimals when that is exact, else with as many
    as it needs. Nothing is rounded: an amount with more than four decimals keeps them, and is invalid."""
    return decimal_text(amount, decimals(currency))


def to_minor_unit(amount: Decimal, currency: str) -> Decimal:
    """D7: half away from zero to the currency's smallest unit."""
    return amount.quantize(Decimal(1).scaleb(-decimals(currency)), rounding=ROUND_HALF_UP)
