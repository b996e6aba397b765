"""The slice of the cost surface: its costs are the parameters' own, its plane is one, and the angles are right."""

import signal
import sys

import models.tensorflow_backend  # noqa: F401

import numpy as np
import pytest

import backprop
import train
from backprop.numeric import complex_step, cost_of_parameters
from config import Config
from experiments import cost_surface, slices
from experiments.cost_surface import Direction, descents, direction_sentence, shapes_of
from experiments.printing import NO_FIGURE
from experiments.slices import Plane, Trajectory, plane_of_bounce, plane_of_way, random_batches, surface, unflatten
from tests.made import made_images, random_problem

CONFIG = Config(hidden=(5,), learning_rate=0.5, dtype="float64", seed=3)
NUM_TRAIN = 130


def dataset():
    return train.Dataset.from_mnist(train.mnist.Mnist(**made_images(NUM_TRAIN, 40), source="made"), "float64")


def in_a_row(W, b):
    return np.concatenate([array.ravel() for pair in zip(W, b, strict=True) for array in pair])


def made_paths(seed=0, num_parameters=40, steps=12):
    """A straight path, and one that bounces about it along a direction of its own more than along others."""
    rng = np.random.default_rng(seed)
    smooth = np.linspace(0, 1, steps + 1)[:, np.newaxis] * rng.normal(size=num_parameters) + 5
    bounce = 0.1 * rng.normal(size=smooth.shape)
    bounce[:, 7] += 3 * rng.normal(size=steps + 1)
    bounce[0] = 0
    return Trajectory(1000, 1, steps, smooth), Trajectory(10, 1, steps, smooth + bounce)


# --- paths ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [7, NUM_TRAIN])
def test_a_path_is_that_of_the_manual_modules_loop(batch_size):
    data = dataset()
    [path] = descents(CONFIG, data, [(batch_size, 9)])
    assert (path.batch_size, path.every, path.steps, len(path.points)) == (batch_size, 1, 9, 10)
    start = train.build_model(CONFIG, num_steps=1).get_weights()
    order = [train.epoch_order(CONFIG.seed, epoch, NUM_TRAIN) for epoch in range(9)]
    batches = [rows[i : i + batch_size] for rows in order for i in range(0, NUM_TRAIN, batch_size)]
    for steps, point in enumerate(path.points):
        network = train.manual_network(CONFIG)
        W, b = backprop.train(network, start[0::2], start[1::2], data.x_train, data.y_train, batches[:steps], 0.5)
        np.testing.assert_allclose(point, in_a_row(W, b), rtol=1e-10, atol=1e-12)


def test_of_a_long_path_every_nth_point_is_kept(monkeypatch):
    data = dataset()
    [whole] = descents(CONFIG, data, [(7, 25)])
    monkeypatch.setattr(cost_surface, "POINTS_KEPT", 8)
    [thin] = descents(CONFIG, data, [(7, 25)])
    assert (thin.every, thin.steps) == (3, 24)
    np.testing.assert_array_equal(thin.points, whole.points[[0, 3, 6, 9, 12, 15, 18, 21, 24]])


# --- planes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plane_of", [lambda s, b: plane_of_bounce(s, b), lambda s, b: plane_of_way(b)])
def test_the_axes_are_of_length_1_and_at_a_right_angle(plane_of):
    smooth, bouncing = made_paths()
    plane = plane_of(smooth, bouncing)
    np.testing.assert_allclose(plane.axes @ plane.axes.T, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(plane.coordinates(smooth.points[:1]), 0, atol=1e-12)


def test_the_plane_of_the_bounce_holds_the_smooth_path_and_the_direction_of_the_bounce():
    smooth, bouncing = made_paths()
    plane = plane_of_bounce(smooth, bouncing)
    assert plane.share_of_way(smooth) == pytest.approx(1)
    first = smooth.points[-1] - smooth.points[0]
    seventh = np.eye(40)[7] - first[7] * first / (first @ first)
    assert abs(plane.axes[1] @ seventh) / np.linalg.norm(seventh) > 0.99


def test_shares_on_a_path_worked_by_hand():
    """From the origin to (3, 4, 12) and on to (3, 4, 0): squares in the plane of the first two axes 25 and 25, of 169
    and 25; of the steps 25 and 0, of 169 and 144."""
    plane = Plane(np.zeros(3), np.eye(3)[:2])
    path = Trajectory(1, 1, 2, np.array([[0.0, 0, 0], [3, 4, 12], [3, 4, 0]]))
    assert plane.share_of_way(path) == pytest.approx(50 / 194)
    assert plane.share_of_steps(path) == pytest.approx(25 / 313)
    inside = Trajectory(1, 1, 1, np.array([[0.0, 0, 0], [3, 4, 0]]))
    assert plane.share_of_way(inside) == plane.share_of_steps(inside) == 1


def test_coordinates_and_points_belong_together():
    smooth, bouncing = made_paths()
    plane = plane_of_way(bouncing)
    coordinates = np.array([[1.0, -2.0], [0.5, 3.0]])
    np.testing.assert_allclose(plane.coordinates(plane.points(coordinates)), coordinates)


def test_a_window_holds_all_points_and_is_equally_wide_both_ways():
    coordinates = np.array([[0.0, 0.0], [3.0, 0.2], [1.0, -0.1]])
    u, v = slices.window(coordinates, aspect=1.5, size=31)
    assert u[0] < 0
    assert u[-1] > 3
    assert v[0] < -0.1
    assert v[-1] > 0.2
    assert (u[-1] - u[0]) / (v[-1] - v[0]) == pytest.approx(1.5)


# --- costs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 700, 2**26])
def test_the_costs_of_a_slice_are_those_of_its_parameters(chunk, monkeypatch):
    """Each computed on its own, by numbers that were not flattened before."""
    monkeypatch.setattr(slices, "LARGEST_CHUNK", chunk)
    problem = random_problem(sizes=(4, 3, 2), batch_size=6)
    shapes = [(4, 3), (3,), (3, 2), (2,)]
    rng = np.random.default_rng(1)
    axes = np.linalg.qr(rng.normal(size=(23, 2)))[0].T
    plane = Plane(in_a_row(problem.W, problem.b), axes)
    u, v = np.array([-1.0, 0.0, 2.0]), np.array([0.0, 1.5])
    found = surface(problem.network, plane, u, v, shapes, problem.x, problem.y)
    assert (found.costs.shape, found.num_examples) == ((2, 3), 6)
    directions = [[part[0] for part in unflatten(axis[np.newaxis], shapes)] for axis in axes]
    for i, j in np.ndindex(2, 3):
        moved = [
            p + u[j] * d + v[i] * e
            for p, d, e in zip([problem.W[0], problem.b[0], problem.W[1], problem.b[1]], *directions, strict=True)
        ]
        hidden = 1 / (1 + np.exp(-(problem.x @ moved[0] + moved[1])))
        outputs = 1 / (1 + np.exp(-(hidden @ moved[2] + moved[3])))
        assert found.costs[i, j] == pytest.approx(((outputs - problem.y) ** 2).sum(axis=1).mean(), rel=1e-12)


def test_the_cost_of_a_projected_path_is_that_of_the_projected_parameters():
    data = dataset()
    smooth, bouncing = descents(CONFIG, data, [(NUM_TRAIN, 8), (7, 8)])
    network, shapes = train.manual_network(CONFIG), shapes_of(CONFIG)
    plane = plane_of_bounce(smooth, bouncing)
    u, v = plane.coordinates(bouncing.points).T
    on_plane = surface(network, plane, u, v, shapes, data.x_train, data.y_train).costs.diagonal()
    model = train.build_model(CONFIG, num_steps=1)
    for point, cost in zip(bouncing.points, on_plane, strict=True):
        offset = point - plane.origin
        projected = plane.origin + sum((offset @ axis) * axis for axis in plane.axes)
        model.set_weights([part[0] for part in unflatten(projected[np.newaxis], shapes)])
        assert cost == pytest.approx(train.evaluate(model, data.x_train, data.y_train)[0], rel=1e-9)


def test_flattened_parameters_come_back():
    W, b = [np.arange(6.0).reshape(2, 3), np.arange(3.0).reshape(3, 1)], [np.full(3, 7.0), np.full(1, 9.0)]
    parts = unflatten(in_a_row(W, b)[np.newaxis], [(2, 3), (3,), (3, 1), (1,)])
    for part, expected in zip(parts, [W[0], b[0], W[1], b[1]], strict=True):
        np.testing.assert_array_equal(part[0], expected)


# --- directions -------------------------------------------------------------------------------------------------


def test_the_cosines_are_those_of_gradients_by_complex_steps():
    problem = random_problem(sizes=(4, 3, 2), batch_size=6)
    batches = [np.array([0, 3]), np.array([5]), np.arange(6)]
    point = in_a_row(problem.W, problem.b)
    shapes = [(4, 3), (3,), (3, 2), (2,)]
    found = slices.cosines(problem.network, point, shapes, problem.x, problem.y, batches)

    def gradient(rows):
        cost = cost_of_parameters(problem.network, problem.x[rows], problem.y[rows])
        return np.concatenate([g.ravel() for g in complex_step(cost, [*problem.W, *problem.b])])

    full = gradient(np.arange(6))
    for cosine, batch in zip(found, batches, strict=True):
        g = gradient(batch)
        assert cosine == pytest.approx(full @ g / np.sqrt((full @ full) * (g @ g)), rel=1e-10)
    assert found[2] == pytest.approx(1)
    assert found[1] < 0.999


def test_random_batches_have_no_row_twice_and_are_the_same_for_the_same_seed():
    batches = list(random_batches(20, 15, 6, seed=1))
    assert all(len(set(batch.tolist())) == 15 and batch.max() < 20 for batch in batches)
    assert len({tuple(sorted(batch.tolist())) for batch in batches}) == 6
    np.testing.assert_array_equal(batches, list(random_batches(20, 15, 6, seed=1)))
    assert not np.array_equal(batches, list(random_batches(20, 15, 6, seed=2)))


def test_the_axes_are_at_a_right_angle_also_where_a_path_is_nearly_straight():
    rng = np.random.default_rng(0)
    straight = np.outer(np.linspace(0, 1, 50), rng.normal(size=2000)) * 1e3
    points = (straight + 1e-6 * rng.normal(size=straight.shape)).astype(np.float32)
    plane = plane_of_way(Trajectory(10, 1, 49, points))
    np.testing.assert_allclose(plane.axes.astype(np.float64) @ plane.axes.T, np.eye(2), atol=1e-5)
    assert plane.share_of_way(Trajectory(10, 1, 49, points)) == pytest.approx(1, abs=1e-5)


def test_what_is_said_of_directions_follows_the_numbers():
    """Cosines 0.5 and -0.5 are 60 and 120 degrees, 90 in the mean; half of them lead uphill."""
    off = [Direction(1, "here", np.array([0.5, -0.5])), Direction(100, "here", np.array([1.0, 1.0]))]
    sentence = direction_sentence(off)
    assert "Batches of 1 are off the perfect direction by 90 to 90 degrees, those of 100 by 0 to 0: the" in sentence
    assert sentence.endswith("Of the steps of 1, 50% lead uphill.")
    assert "does not hold here" in direction_sentence(off[1:])
    nowhere = [Direction(1, "here", np.array([0.5, np.nan])), off[1]]
    assert "cannot be compared there" in direction_sentence(nowhere)


# --- the command ------------------------------------------------------------------------------------------------


@pytest.fixture
def images(tmp_path):
    path = tmp_path / "made.npz"
    np.savez(path, **made_images(200, 40))
    return path


def options_for(images, tmp_path, *more):
    small = ["--steps=5", "--images=50", "--grid=5", "--gradients=3"]
    return [f"--data={images}", f"--logs={tmp_path / 'logs'}", *small, *more]


def test_the_command_draws(images, tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert cost_surface.main(options_for(images, tmp_path)) == 0
    out = capsys.readouterr().out.partition("do not apply.\n")[2]  # after the note on made images
    assert "The same 5 steps" in out
    assert "An epoch of mini-batches: 200 images against 1,000" in out
    assert max(map(len, out.splitlines()[:-1])) <= 80  # below is a path
    [folder] = (tmp_path / "logs").iterdir()
    assert [path.name for path in folder.iterdir()] == ["bouncing-ball.png"]


def test_without_matplotlib_it_measures_and_says_how_to_get_the_figure(images, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "experiments.figures", raising=False)
    assert cost_surface.main(options_for(images, tmp_path)) == 0
    assert NO_FIGURE in capsys.readouterr().out
    assert not (tmp_path / "logs").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["--batch-size", "201"], "--batch-size is 201; expected 1 to 200."),
        (["--images", "0"], "--images is 0; expected 1 or more."),
        (["--steps", "1"], "--steps is 1; expected 2 to 10,000."),
        (["--learning-rate", "0"], "--learning-rate is 0; expected a number above 0."),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(wrong, said, images, tmp_path, capsys):
    assert cost_surface.main(options_for(images, tmp_path, *wrong)) == 2
    assert capsys.readouterr().err == f"experiments.cost_surface: {said}\n"
    assert not (tmp_path / "logs").exists()


def test_ctrl_c_leaves_nothing(images, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cost_surface.KeepPath, "on_train_begin", lambda self, logs=None: signal.raise_signal(2))
    assert cost_surface.main(options_for(images, tmp_path)) == 130
    assert capsys.readouterr().err == "experiments.cost_surface: interrupted; no figure was made.\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not (tmp_path / "logs").exists()
