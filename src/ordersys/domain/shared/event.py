from typing import ClassVar


class Event:
    """A fact in the past tense. `TYPE` is the versioned public name, `STREAM` the topic family, `SOURCE` the service
    that publishes it.
    """

    __slots__ = ()
    TYPE: ClassVar[str]
    STREAM: ClassVar[str]
    SOURCE: ClassVar[str]
