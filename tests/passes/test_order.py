"""An order that is kept while vertices are merged."""

from itertools import pairwise

import numpy as np

from graphc.passes.order import LOOKED_AT, Order, Vertex


def test_two_vertices_with_a_third_between_them_stay_apart() -> None:
    order, (a, b, c) = chain(3)
    assert not order.are_free(a, c)
    assert order.are_free(a, b)
    order.merge(a, b)
    assert order.vertices == [a, c]
    assert order.are_free(a, c)


def test_what_much_stands_between_stays_apart() -> None:
    order, vertices = chain(LOOKED_AT + 3)
    assert not order.are_free(vertices[0], vertices[-1])
    alone = Vertex()
    order.add(alone)
    assert order.are_free(vertices[0], alone)


def chain(length: int) -> tuple[Order, list[Vertex]]:
    order, vertices = Order(), [Vertex() for _ in range(length)]
    for vertex in vertices:
        order.add(vertex)
    for first, second in pairwise(vertices):
        order.connect(first, second)
    return order, vertices


def test_any_merging_keeps_an_order_in_which_all_can_run() -> None:
    rng = np.random.default_rng(0)
    merged = 0
    for _ in range(200):
        order, vertices = Order(), [Vertex() for _ in range(12)]
        for vertex in vertices:
            order.add(vertex)
        for second in range(12):
            for first in rng.choice(12, 2):
                if first < second:
                    order.connect(vertices[first], vertices[second])
        for _ in range(10):
            one, other = (order.vertices[i] for i in rng.choice(len(order.vertices), 2, replace=False))
            if not order.are_free(one, other):
                continue
            order.merge(one, other)
            merged += 1
            left = order.vertices
            places = {vertex: place for place, vertex in enumerate(left)}
            assert all(places[near] > places[vertex] for vertex in left for near in vertex.behind)
            assert all(places[near] < places[vertex] for vertex in left for near in vertex.before)
    assert merged > 500
