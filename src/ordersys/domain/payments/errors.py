from ordersys.domain.shared.errors import DomainError, Kind


class IllegalPaymentMove(DomainError):
    def __init__(self, status: str, move: str) -> None:
        super().__init__("illegal_payment_move", Kind.CONFLICT, f"Status {status} does not allow {move}.")
