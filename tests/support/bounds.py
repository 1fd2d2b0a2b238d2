"""A variational bound small enough to enumerate."""

import jax

from gradest.problems import problem


def small_bound(latent: int, k: int, images: int = 2):
    """An autoencoder's bound from `k` particles of `latent` bits, and θ off its initial value."""
    vae = problem(
        "vae_bernoulli_bound",
        latent_dim=latent,
        num_particles=k,
        num_images=images,
        hidden_dim=3,
    )
    params = jax.tree.map(lambda leaf: 1.5 * leaf, vae.init_params(jax.random.key(0)))
    return vae, params
