"""What calls cost, in whole millionths, and who costs nothing."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model import FREE, MILLION, Price, money, price_of, read_price
from htn.errors import UsageError

HERE, THERE = "http://127.0.0.1:8000/v1", "https://api.openai.com/v1"


def test_a_million_tokens_cost_their_price() -> None:
    price = read_price("2.5 / 10")
    assert price == Price(Decimal("2.5"), Decimal(10))
    assert price.of(MILLION, 0) == 2_500_000 and price.of(0, MILLION) == 10_000_000
    assert price.of(0, 0) == 0


@given(st.decimals(0, 1000, places=4), st.integers(0, 10**7), st.integers(0, 10**7))
def test_a_call_never_costs_less_than_its_tokens(amount: Decimal, prompt: int, answer: int) -> None:
    cost = Price(amount, amount).of(prompt, answer)
    assert 0 <= cost - amount * (prompt + answer) < 1


@pytest.mark.parametrize("text", ["", "2", "1/2/3", "a/b", "-1/2", "nan/1", "1/inf", "9999999/1"])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no price"):
        read_price(text)


def test_what_is_said_of_a_model_goes_before_its_provider_and_what_is_near_is_free() -> None:
    prices = {"openai:x": read_price("1/2"), "openai": read_price("3/4")}
    assert price_of(prices, "openai:x", THERE) == read_price("1/2")
    assert price_of(prices, "openai:y", THERE) == read_price("3/4")
    assert price_of({}, "openai:y", THERE) is None
    assert price_of({}, "openai:y", HERE) == price_of({}, "ollama:z", "http://gpu:11434") == FREE
    assert price_of({"ollama": read_price("1/1")}, "ollama:z", HERE) == read_price("1/1")
    assert price_of({"openai:x": FREE}, "openai:x", THERE) == FREE


def test_money_is_shown_with_two_digits_or_as_many_as_it_has() -> None:
    assert [money(n) for n in (0, 500, 1_500_000, 1_234_567_890_000)] == ["0.00", "0.0005", "1.50", "1,234,567.89"]
