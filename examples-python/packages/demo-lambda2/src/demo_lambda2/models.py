"""What an order looks like."""

from __future__ import annotations

from decimal import Decimal

from pydantic import BaseModel, Field


class Line(BaseModel):
    """So many of one article."""

    article: str
    quantity: int = Field(gt=0)
    price: Decimal = Field(ge=0)


class Order(BaseModel):
    """What a customer asks for."""

    customer: str
    lines: list[Line] = Field(min_length=1)

    @property
    def total(self) -> Decimal:
        """The price of everything."""
        return sum((line.quantity * line.price for line in self.lines), Decimal())


class Receipt(BaseModel):
    """What the customer gets back."""

    customer: str
    total: Decimal
