"""The three losses are the paper's numbers, and each teaches only the layers that it should."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from detectors.anchor import losses
from detectors.anchor.losses import Losses, anchor_losses
from detectors.anchor.matching import Targets, match_angles, match_jaccard
from detectors.anchor.network import AnchorNetwork, Predictions
from detectors.anchor.settings import SCORED
from detectors.anchor.views import as_boxes, as_input
from tests.detectors.anchor.bars import BarColors, boxes, tiny_backbone, tiny_network

ROWS, COLUMNS, K = 3, 4, 6
COUNT = ROWS * COLUMNS * K
GOOD, BAD = (24.0, 24.0, 50.0, 20.0, 3.0), (40.0, 10.0, 45.0, 22.0, -58.0)


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_backbone(monkeypatch)


def targets_of(network: AnchorNetwork, truths: Tensor) -> Targets:
    return match_angles(truths, network.config.anchors(), ROWS, COLUMNS)


def losses_of(network: AnchorNetwork, *truths: Tensor, images: Tensor | None = None, **other: int | str) -> Losses:
    shown = torch.randn(len(truths), 3, 16 * ROWS, 16 * COLUMNS) if images is None else images
    targets = [targets_of(network, one) for one in truths]
    return anchor_losses(network, network(shown), targets, truths, **other)  # type: ignore[arg-type]


def number(value: Tensor) -> float:
    return float(value.detach())


def moved(part: nn.Module | None) -> bool:
    assert part is not None
    grads = [parameter.grad for parameter in part.parameters()]
    return any(grad is not None and bool((grad != 0).any()) for grad in grads)


ROUTES: dict[str, tuple[Callable[[Losses], Tensor], set[str]]] = {
    "intermediate": (lambda found: found.intermediate, {"extractor", "primary"}),
    "scorer": (lambda found: found.scorer, {"extractor", "scorer"}),
    "fit": (lambda found: found.fit, {"extractor", "regression"}),
    "guide": (lambda found: found.guide, {"extractor", "regression"}),
    "regression": (lambda found: found.fit + found.guide, {"extractor", "regression"}),
    "total": (lambda found: found.total, {"extractor", "primary", "regression", "scorer"}),
}


@pytest.mark.parametrize("name", sorted(ROUTES))
def test_each_loss_teaches_its_own_layers_and_no_others(name: str) -> None:
    which, learning = ROUTES[name]
    network = tiny_network()
    torch.manual_seed(1)
    which(losses_of(network, boxes(GOOD), boxes(BAD), scored=9)).backward()  # type: ignore[no-untyped-call]
    parts = ("extractor", "primary", "regression", "scorer")
    assert {part for part in parts if moved(getattr(network, part))} == learning


def test_guiding_leaves_the_scorer_able_to_learn() -> None:
    network = tiny_network()
    losses_of(network, boxes(GOOD)).total.backward()  # type: ignore[no-untyped-call]
    assert network.scorer is not None
    assert all(parameter.requires_grad and parameter.grad is not None for parameter in network.scorer.parameters())


def test_the_guide_pulls_predictions_towards_what_the_scorer_likes() -> None:
    """One step down its gradient, of the regression layer alone, and the scorer thinks better of the same anchors."""
    network = tiny_network().eval()
    torch.manual_seed(2)
    images = torch.randn(2, 3, 16 * ROWS, 16 * COLUMNS)
    before = losses_of(network, boxes(GOOD), boxes(BAD), images=images)
    (grad,) = torch.autograd.grad(before.guide, [network.regression.weight])
    with torch.no_grad():
        network.regression.weight -= 0.3 * grad / grad.norm()
    after = losses_of(network, boxes(GOOD), boxes(BAD), images=images)
    assert number(after.guide) < number(before.guide) - 1e-4


def made_up(primary: Tensor, deltas: Tensor | None = None) -> Predictions:
    """Predictions of one image (COUNT, 2) and (COUNT, 5)."""
    given = torch.zeros(COUNT, 5) if deltas is None else deltas
    return Predictions(torch.zeros(1, 16, ROWS, COLUMNS), primary[None], given[None])


def logits(score: Tensor) -> Tensor:
    """(A, 2) whose softmax is 1 - score and score."""
    return torch.stack([torch.log1p(-score), torch.log(score)], dim=1)


def test_eq_3_by_hand_over_p_positives_and_the_three_p_that_look_best() -> None:
    network = tiny_network(scorer=False)
    targets = targets_of(network, boxes(GOOD))
    (positive,) = targets.positive.tolist()
    free = (~targets.ignored).nonzero()[:, 0].tolist()
    score = torch.full((COUNT,), 0.1)
    score[positive] = 0.3
    score[free[2]], score[free[11]], score[free[17]], score[free[20]] = 0.9, 0.8, 0.7, 0.6  # the fourth is one too many
    neighbours = targets.ignored.nonzero()[:, 0]
    score[neighbours[neighbours != positive]] = 0.99  # good looks beside a grasp are no mistake
    found = anchor_losses(network, made_up(logits(score)), [targets], [boxes(GOOD)])
    by_hand = -(math.log(0.3) + math.log(0.1) + math.log(0.2) + math.log(0.3)) / 4
    assert number(found.intermediate) == pytest.approx(by_hand, rel=1e-5)
    assert number(found.scorer) == number(found.guide) == found.good_share == 0.0


def test_ignored_anchors_and_easy_ones_get_no_gradient() -> None:
    network = tiny_network(scorer=False)
    targets = targets_of(network, boxes(GOOD, BAD))
    torch.manual_seed(3)
    primary = torch.randn(COUNT, 2, requires_grad=True)
    anchor_losses(network, made_up(primary), [targets], [boxes(GOOD, BAD)]).intermediate.backward()  # type: ignore[no-untyped-call]
    assert primary.grad is not None
    taught = set((primary.grad != 0).any(dim=1).nonzero()[:, 0].tolist())
    positive = set(targets.positive.tolist())
    assert len(positive) == 2
    negative = taught - positive
    assert positive < taught
    assert len(negative) == 3 * len(positive)
    assert not negative & set(targets.ignored.nonzero()[:, 0].tolist())
    wrong = (primary[:, 1] - primary[:, 0]).detach().masked_fill(targets.ignored, -torch.inf)
    assert negative == set(wrong.topk(6).indices.tolist()), "the hardest"


def test_where_fewer_than_three_p_are_free_all_of_them_are_taken() -> None:
    network = tiny_network(scorer=False)
    targets = targets_of(network, boxes(GOOD))
    ignored = torch.ones(COUNT, dtype=torch.bool)
    ignored[[0, 1]] = False
    for hidden, count in ((ignored, 3), (torch.ones(COUNT, dtype=torch.bool), 1)):
        found = anchor_losses(
            network, made_up(torch.zeros(COUNT, 2)), [replace(targets, ignored=hidden)], [boxes(GOOD)]
        )
        assert number(found.intermediate) == pytest.approx(math.log(2)), count


def test_the_first_term_of_eq_5_by_hand() -> None:
    """alpha = 2, smooth L1 with its knee at 1: 0.3 and 2.5 off become 0.045 and 2."""
    network = tiny_network(scorer=False)
    targets = targets_of(network, boxes(GOOD, BAD))
    deltas = torch.randn(COUNT, 5)
    deltas[targets.positive] = targets.deltas
    deltas[targets.positive[0], 1] += 0.3
    deltas[targets.positive[1], 4] -= 2.5
    found = anchor_losses(network, made_up(torch.zeros(COUNT, 2), deltas), [targets], [boxes(GOOD, BAD)])
    assert number(found.fit) == pytest.approx(2 * (0.5 * 0.3**2 + 2.0) / 2, rel=1e-4)


def watched(monkeypatch: pytest.MonkeyPatch, network: AnchorNetwork) -> list[tuple[Tensor, Tensor]]:
    """Which image and anchor the scorer is asked about."""
    asked: list[tuple[Tensor, Tensor]] = []
    assert network.scorer is not None
    network.scorer.register_forward_pre_hook(lambda module, given: asked.append((given[2], given[3])))
    return asked


def test_eq_4_and_the_second_term_of_eq_5_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scorer that always says 0.8, shown four predictions of which one is right."""
    network = tiny_network()
    assert network.scorer is not None
    with torch.no_grad():
        network.scorer.verdict.weight.zero_()
        network.scorer.verdict.bias.copy_(torch.log(torch.tensor([0.2, 0.8])))
    targets, truths = targets_of(network, boxes(GOOD)), boxes(GOOD)
    primary = torch.zeros(COUNT, 2)
    far = ((~targets.ignored).nonzero()[:, 0]).flip(0)[:3]
    deltas = torch.zeros(COUNT, 5)
    deltas[targets.positive] = targets.deltas
    deltas[far, :2] = 30.0  # nowhere near
    primary[torch.cat([targets.positive, far]), 1] = torch.tensor([2.0, 5.0, 4.0, 3.0])
    found = anchor_losses(network, made_up(primary, deltas), [targets], [truths], scored=4)
    assert found.good_share == 0.25
    assert number(found.scorer) == pytest.approx(-(math.log(0.8) + 3 * math.log(0.2)) / 4, rel=1e-5)
    assert number(found.guide) == pytest.approx(-math.log(0.8), rel=1e-5)


def test_the_scorer_is_taught_by_the_t_with_the_best_primary_score(monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny_network().eval()
    asked = watched(monkeypatch, network)
    found = network(torch.randn(2, 3, 16 * ROWS, 16 * COLUMNS))
    truths = [boxes(GOOD), boxes(BAD)]
    anchor_losses(network, found, [targets_of(network, one) for one in truths], truths)
    image, place = asked[0]
    assert SCORED == 64
    assert image.tolist() == [0] * 64 + [1] * 64
    primary = network.scores(found).primary
    for row in (0, 1):
        assert set(place[image == row].tolist()) == set(primary[row].topk(64).indices.tolist())


def test_selected_by_the_final_score_it_is_taught_by_what_it_likes_best_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = tiny_network().eval()
    found, truths = network(torch.randn(1, 3, 16 * ROWS, 16 * COLUMNS)), [boxes(GOOD)]
    primary, scorer, _ = network.scores(found)
    picked = {}
    for selection in losses.SELECTIONS:
        asked = watched(monkeypatch, network)
        anchor_losses(network, found, [targets_of(network, truths[0])], truths, selection, scored=10)
        picked[selection] = {tuple(place.tolist()) for _, place in asked if len(place) == 10}
    best = {name: set(score[0].topk(10).indices.tolist()) for name, score in (("primary", primary), ("final", scorer))}
    for selection, places in picked.items():
        assert {frozenset(one) for one in places} == {frozenset(best[selection])}
    assert best["primary"] != best["final"]


@pytest.mark.parametrize("scorer", [True, False])
def test_an_image_without_a_positive_anchor_adds_nothing_but_what_the_scorer_says(scorer: bool) -> None:
    network = tiny_network(scorer=scorer).eval()
    torch.manual_seed(4)
    images, outside = torch.randn(2, 3, 16 * ROWS, 16 * COLUMNS), boxes((500.0, 500.0, 50.0, 20.0, 0.0))
    alone = losses_of(network, boxes(GOOD), images=images[:1])
    both = losses_of(network, boxes(GOOD), outside, images=images)
    for name in ("intermediate", "fit"):
        assert number(getattr(both, name)) == pytest.approx(number(getattr(alone, name)) / 2, rel=1e-5)
    for truths in (outside, boxes()):
        nothing = losses_of(network, truths, images=images[1:])
        assert number(nothing.intermediate) == number(nothing.fit) == nothing.good_share == 0.0
        network.zero_grad()
        nothing.total.backward()  # type: ignore[no-untyped-call]
        grads = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
        assert all(bool(torch.isfinite(grad).all()) for grad in grads)
        assert math.isfinite(number(nothing.total))
        assert not moved(network.primary)


def test_the_total_is_the_plain_sum() -> None:
    found = losses_of(tiny_network(), boxes(GOOD, BAD))
    parts = (found.intermediate, found.scorer, found.fit, found.guide)
    assert number(found.total) == pytest.approx(sum(number(part) for part in parts))
    assert all(number(part) > 0 for part in parts)


@pytest.mark.parametrize("name", ["intermediate", "fit", "guide", "scorer"])
def test_gradients_are_those_of_finite_differences(name: str) -> None:
    """In double precision, towards all that the heads say and the features."""
    network = tiny_network(orientations=2).double()
    truths = boxes((20.0, 8.0, 50.0, 20.0, 3.0))
    targets = match_angles(truths, network.config.anchors(), 1, 3)
    targets = replace(targets, deltas=targets.deltas.double())
    torch.manual_seed(6)
    features = torch.randn(1, 16, 1, 3, dtype=torch.float64)
    primary, deltas = torch.randn(1, 6, 2, dtype=torch.float64), 0.3 * torch.randn(1, 6, 5, dtype=torch.float64)
    given = [one.requires_grad_() for one in (features, primary, deltas)]

    def loss(*parts: Tensor) -> Tensor:
        found = anchor_losses(network, Predictions(*parts), [targets], [truths], scored=3)
        value: Tensor = getattr(found, name)
        return value

    if name == "scorer":  # its deformations are cut off from their graph: only the features count
        assert torch.autograd.gradcheck(lambda seen: loss(seen, primary, deltas), (features,))
        assert untouched(loss(*given), primary, deltas)
    elif name == "guide":  # and here the features are: only the deformations count
        assert torch.autograd.gradcheck(lambda turned: loss(features, primary, turned), (deltas,))
        assert untouched(loss(*given), primary, features)
    else:
        assert torch.autograd.gradcheck(loss, tuple(given))


def untouched(value: Tensor, *inputs: Tensor) -> bool:
    """Whether none of the inputs is learnt from."""
    return all(grad is None for grad in torch.autograd.grad(value, list(inputs), allow_unused=True))


def test_the_scorers_own_gradient_is_that_of_finite_differences() -> None:
    network = tiny_network(orientations=2).double()
    assert network.scorer is not None
    truths = boxes((20.0, 8.0, 50.0, 20.0, 3.0))
    targets = match_angles(truths, network.config.anchors(), 1, 3)
    torch.manual_seed(7)
    found = Predictions(*(torch.randn(1, *shape, dtype=torch.float64) for shape in ((16, 1, 3), (6, 2), (6, 5))))
    weight = network.scorer.verdict.weight

    def value() -> Tensor:
        return anchor_losses(network, found, [replace(targets, deltas=targets.deltas.double())], [truths]).scorer

    (grad,) = torch.autograd.grad(value(), [weight])
    step = 1e-6
    with torch.no_grad():
        for place in ((0, 3), (1, 7)):
            weight[place] += step
            above = number(value())
            weight[place] -= 2 * step
            below = number(value())
            weight[place] += step
            assert float(grad[place]) == pytest.approx((above - below) / (2 * step), rel=1e-4, abs=1e-8)


def test_what_is_learnt_by_heart_is_known_and_the_scorer_knows_what_is_good() -> None:
    """Three pictures, over and over: of the predictions that it was told about the scorer prefers the good ones."""
    network, pictures = tiny_network(1), [BarColors(3).picture(index) for index in range(3)]
    images = torch.from_numpy(as_input(np.stack([one.image for one in pictures]))).permute(0, 3, 1, 2)
    truths = [torch.from_numpy(as_boxes(one.truths)) for one in pictures]
    anchors = network.config.anchors()
    targets = [match_angles(one, anchors, 10, 10) for one in truths]
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(100):
        found = anchor_losses(network, network(images), targets, truths)
        optimizer.zero_grad()
        found.total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        said = network(images)
        grasps = anchors.decode(said.deltas, anchors.grid(10, 10))
        primary, scorer, _ = network.scores(said)
    good, liked = [], []
    for row, known in enumerate(truths):
        taught = primary[row].topk(SCORED).indices
        good.append(match_jaccard(grasps[row, taught], known))
        liked.append(scorer[row, taught])
    right, score = torch.cat(good), torch.cat(liked)
    assert 2 <= int(right.sum()) < 40
    assert float(score[right].mean()) > 5 * float(score[~right].mean())


def test_cross_entropy_of_two_logits_is_the_papers_form() -> None:
    """-(p log q + (1 - p) log(1 - q)), as Eqs. 3 and 4 have it."""
    pair, q = torch.tensor([[0.3, 1.2]]), float(torch.softmax(torch.tensor([0.3, 1.2]), 0)[1])
    for p in (0, 1):
        expected = -(p * math.log(q) + (1 - p) * math.log(1 - q))
        assert float(functional.cross_entropy(pair, torch.tensor([p]))) == pytest.approx(expected, rel=1e-5)
