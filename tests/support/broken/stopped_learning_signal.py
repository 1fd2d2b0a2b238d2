"""Breaks the learned gradient: stop_gradient goes round what is learned too."""

from jax.lax import stop_gradient

from tests.support.learned_baseline import LearnedBaseline


class Broken(LearnedBaseline):
    def advantage(self, f, state):
        return stop_gradient(super().advantage(f, state))
