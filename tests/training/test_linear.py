import numpy as np
import pytest
from scipy import sparse
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from framing.errors import ConfigError
from training.config import Classifier
from training.linear import Average, OneForEach
from training.pipelines import make_classifier
from training.ridge import DualRidge

RNG = np.random.default_rng(5)
ROWS = sparse.random(60, 200, density=0.2, random_state=5, format="csr")
CLASSES = RNG.integers(0, 3, 60)
SEVERAL = (RNG.random((60, 2)) < 0.3).astype(np.int64)
KINDS = ("logistic", "svm", "complement_bayes", "bayes_logistic")


@pytest.mark.parametrize("kind", KINDS)
def test_indicators_and_classes_are_two_ways_to_say_the_same(kind: str) -> None:
    classes = OneForEach(kind).fit(ROWS, CLASSES)
    indicators = OneForEach(kind).fit(ROWS, (CLASSES[:, None] == np.arange(3)).astype(np.int64))
    np.testing.assert_allclose(classes.coef_, indicators.coef_)


def test_the_support_vector_machine_is_that_of_scikit_learn() -> None:
    theirs = LinearSVC(C=2.0, tol=1e-3, random_state=1).fit(ROWS, CLASSES)
    ours = OneForEach("svm", c=2.0, seed=1).fit(ROWS, CLASSES)
    np.testing.assert_allclose(ours.decision_function(ROWS), theirs.decision_function(ROWS), atol=0.02)


def test_complement_bayes_is_that_of_scikit_learn() -> None:
    present = (CLASSES == 1).astype(np.int64)
    theirs = ComplementNB(alpha=float(ROWS.sum()) / 200).fit(ROWS, present)
    ours = OneForEach("complement_bayes").fit(ROWS, present[:, None])
    assert ((ours.decision_function(ROWS)[:, 0] > 0) == theirs.predict(ROWS)).all()


def test_the_count_ratio_lets_what_tells_a_label_count_for_more() -> None:
    rows = sparse.csr_matrix(np.array([[5.0, 1, 3], [4, 2, 3], [0, 2, 3], [1, 1, 3]]))
    model = OneForEach("bayes_logistic").fit(rows, np.array([[1], [1], [0], [0]]))
    assert model.coef_[0, 0] > 5 * abs(model.coef_[0, 2])
    assert model.predict(rows).shape == (4,)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", ["balanced", {0: 5.0}])
def test_weights_count_for_each_of_several_labels(kind: str, weight: object) -> None:
    plain = OneForEach(kind).fit(ROWS, SEVERAL).decision_function(ROWS)
    weighted = OneForEach(kind, class_weight=weight).fit(ROWS, SEVERAL).decision_function(ROWS)
    assert not np.allclose(weighted[:, 0], plain[:, 0])
    if weight != "balanced":
        np.testing.assert_allclose(weighted[:, 1], plain[:, 1])


def test_an_average_gives_every_member_the_same_say() -> None:
    members = [DualRidge(), OneForEach("logistic")]
    average = Average(members).fit(ROWS, CLASSES)
    scores = [member.fit(ROWS, CLASSES).decision_function(ROWS) for member in members]
    expected = sum(given / given.std() for given in scores) / 2
    np.testing.assert_allclose(average.decision_function(ROWS), expected, atol=1e-9)


def test_a_label_that_never_or_always_occurs_is_no_crash() -> None:
    scores = OneForEach("svm").fit(ROWS, np.repeat([[0, 1]], 60, axis=0)).decision_function(ROWS)
    assert (scores[:, 0] < 0).all()
    assert (scores[:, 1] > 0).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [(Classifier(class_weight={"zeal": 2.0}), "zeal"), (Classifier(kind="average", members=()), "members")],
)
def test_settings_that_could_not_count_are_refused(settings: Classifier, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_classifier(settings, 7, ["a", "b"])
