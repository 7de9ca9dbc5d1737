"""What the scorers of one question use together: started when first asked for, ended with the question."""

from types import TracebackType
from typing import Protocol, Self, TypeVar, cast


class Closable(Protocol):
    """Something that holds processes or files until it is closed."""

    def close(self) -> None:
        """End what was started; nothing happens when it is closed already."""
        ...


Resource = TypeVar("Resource", bound=Closable)


class Shared:
    """One instance a kind (a tokenizer, a parser), made without arguments when a scorer first asks.

    Leaving the `with` block closes them all; whatever is left open ends with the interpreter.
    """

    def __init__(self) -> None:
        self._open: dict[type[Closable], Closable] = {}

    def get(self, kind: type[Resource]) -> Resource:
        """The one instance of this kind."""
        if kind not in self._open:
            self._open[kind] = kind()
        return cast(Resource, self._open[kind])

    def close(self) -> None:
        """Close every instance, the youngest first."""
        while self._open:
            _, resource = self._open.popitem()
            resource.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
