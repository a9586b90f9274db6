"""What is wrong with a value that is no event."""

from __future__ import annotations

MAX_MESSAGE = 500

ERROR_CLASSES = {
    "EmptyValue": "the record has no value, or one of no bytes",
    "EmptyField": "a text that must say something says nothing",
    "FieldTooLong": "a text, list or object is over its limit",
    "InvalidField": "a text is not one of the allowed ones, or not of the allowed form",
    "InvalidTime": "not an RFC 3339 date-time with an offset",
    "InvalidUrl": "storage_url is not an http(s) URL with a host",
    "LoneSurrogate": "half of a UTF-16 surrogate pair, which is no character",
    "MissingField": "a required field is missing",
    "NoKey": "the record has no key",
    "NotCloudEvent": "JSON, but not a CloudEvent 1.0",
    "NotFinite": "NaN, Infinity, or a number that overflows",
    "NotJson": "not JSON in UTF-8, or, from a producer, a Python value that JSON does not have",
    "NulCharacter": "a text holds U+0000, which Postgres does not store",
    "OutOfRange": "a number or a date is outside its range",
    "SealBroken": "what is sealed was damaged, or made for another event",
    "SealingKeyUnknown": "sealed with a key that the database has never had",
    "SubjectMismatch": "subject names another request than data.request_id",
    "TooDeep": "objects or arrays nested beyond the limit",
    "UnknownField": "from a producer: a field that the event does not have",
    "UnknownType": "a CloudEvent of a type that is none of ours",
    "UnknownVersion": "dataschema names no version that can be read",
    "UpcastFailed": "an upcaster failed on data of an old version",
    "ValueTooLarge": "the record's value is over its limit",
    "WrongType": "a field has another JSON type than it must have",
}
"""Every ``error_class`` there is, and when it is given. Dead letters are found by these names."""


class InvalidEvent(ValueError):
    """A value is not one of the events: ``error_class`` says in what way, ``message`` says why.

    The message is one line of at most 500 characters. It names the field, the limit and the
    value's size, and shows no more of the value than a short excerpt in printable ASCII.
    """

    def __init__(self, error_class: str, message: str) -> None:
        message = message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 3] + "..."
        # Both go to the base class, so that the exception can be pickled.
        super().__init__(error_class, message)
        self.error_class = error_class
        self.message = message

    def __str__(self) -> str:
        return self.message
