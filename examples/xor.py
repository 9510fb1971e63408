"""XOR: no linear model can say it, one hidden layer can.

The linear model that fits best in the sense of least squares answers 0.5 to everything; two relu units solve it.
Goodfellow, Bengio, Courville: Deep Learning, 2016, section 6.1.
"""

import numpy as np

import graphc as gx

QUESTIONS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], "float32")
ANSWERS = np.array([0, 1, 1, 0], "float32")


def learned(model: gx.nn.Layer, steps: int) -> list[float]:
    """What `model` answers to the four questions after `steps` steps of Adam on the mean squared error."""
    x, t = gx.input("x", ("batch", 2)), gx.input("t", "batch")
    y = model(x)[:, 0]
    loss = gx.nn.mean_squared_error(y, t)
    opt = gx.optim.Adam(model, 0.03)
    train = gx.compile([x, t], loss, updates=opt(gx.grad(loss, opt.params)))
    for _ in range(steps):
        train(QUESTIONS, ANSWERS)
    return [float(answer) for answer in gx.evaluate(y, {x: QUESTIONS})]


def main() -> dict[str, list[float]]:
    """The answers of both models."""
    rng = np.random.default_rng(0)
    answers = {
        "linear": learned(gx.nn.Linear(2, 1, rng=rng), 1000),
        "one hidden layer": learned(gx.nn.mlp((2, 8, 1), rng=rng), 1000),
    }
    print(f"{'question':18}" + "".join(f"{a:.0f} xor {b:.0f}   " for a, b in QUESTIONS))
    for name, given in answers.items():
        print(f"{name:18}" + "".join(f"{answer:7.3f}   " for answer in given))
    return answers


if __name__ == "__main__":
    main()
