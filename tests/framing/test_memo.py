from framing.memo import Memo


class Asked(list[str]):
    """The keys that were computed."""

    def upper(self, key: str) -> str:
        self.append(key)
        return key.upper()


def test_it_holds_the_youngest_values_and_computes_the_others_again() -> None:
    asked = Asked()
    memo = Memo(asked.upper, most=4)
    assert [memo[key] for key in "abcdefa"] == list("ABCDEFA")
    assert [memo[key] for key in "fe"] == ["F", "E"]
    assert asked == list("abcdefa")


def test_it_can_be_made_to_hold_more() -> None:
    asked = Asked()
    memo = Memo(asked.upper, most=4)
    memo.hold(100)
    assert [memo[key] for key in "abcdefabcdef"] == list("ABCDEFABCDEF")
    assert asked == list("abcdef")
