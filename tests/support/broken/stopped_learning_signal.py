"""Breaks the learned gradient: stop_gradient goes round all of the learning signal, what is learned included."""

from jax.lax import stop_gradient

from tests.support.learned_baseline import LearnedBaseline


class Broken(LearnedBaseline):
    def advantage(self, f, state):
        return stop_gradient(super().advantage(f, state))
