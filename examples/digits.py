"""Learn to read handwritten digits, and look at every stage on the way.

The graph of a small network is declared and differentiated; gradient, generated source and memory plan are printed;
then the network learns 1,797 real digits of 8 x 8 pixels (Alpaydin, Kaynak: Optical Recognition of Handwritten
Digits, 1998, from scikit-learn) with Adam, and is judged by a quarter that it never saw.
"""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits
from tqdm import tqdm

import graphc as gx

EPOCHS, BATCH = 30, 32


def main(folder: Path = Path("build/digits")) -> dict[str, list[float]]:
    """The loss of every step and the accuracy on the held-out quarter after every epoch."""
    rng = np.random.default_rng(0)
    images, digits = load_digits(return_X_y=True)
    order = rng.permutation(len(images))
    images, digits = (images[order] / 16).astype("float32"), digits[order]
    held_out, seen = slice(0, len(images) // 4), slice(len(images) // 4, None)

    x, t = gx.input("x", ("batch", 64)), gx.input("t", "batch", "int64")
    model = gx.nn.mlp((64, 128, 10), rng=rng)
    logits = model(x)
    loss = gx.nn.softmax_cross_entropy(logits, t)
    opt = gx.optim.Adam(model, gx.optim.cosine_decay(3e-3, EPOCHS * (len(images[seen]) // BATCH)))
    train = gx.compile([x, t], loss, updates=opt(gx.grad(loss, opt.params)))
    classify = gx.compile([x], gx.argmax(logits, -1))

    w, v = gx.param("w", np.zeros(64, "float32")), gx.input("v", 64)
    neuron = gx.grad(gx.tanh(v @ w), w)
    print(f"The gradient of one neuron, tanh(v . w), is a graph too:\n\n{gx.show(neuron)}\n")
    print(f"Its compiled form:\n\n{body(gx.compile([v], neuron).source)}\n")
    print(f"Memory of a training step, known before it runs: {train.memory(batch=BATCH)}\n")

    losses, accuracies = [], []
    for epoch in tqdm(range(EPOCHS), desc="epochs", unit="epoch"):
        for rows in np.array_split(rng.permutation(len(images[seen])), len(images[seen]) // BATCH):
            losses.append(float(train(images[seen][rows], digits[seen][rows])))
        accuracies.append(float(np.mean(classify(images[held_out]) == digits[held_out])))
        tqdm.write(f"epoch {epoch + 1:2}   loss {losses[-1]:.4f}   accuracy on held-out digits {accuracies[-1]:.2%}")

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gradient.svg").write_text(gx.to_svg(neuron), encoding="utf-8")
    figure = Figure()
    figure.subplots().semilogy(losses)
    figure.savefig(folder / "loss.png")
    print(f"\nPictures of the loss and of the gradient's graph are in {folder.resolve()}")
    return {"losses": losses, "accuracies": accuracies}


def body(source: str) -> str:
    """What a generated program does when called: its lines from `run` on, without the setting up before."""
    return source[source.index("    def run") : source.index("    return run")].rstrip()


if __name__ == "__main__":
    main()
