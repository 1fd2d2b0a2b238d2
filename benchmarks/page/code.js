// The same in three libraries.

const CODE = {
  direct: {
    jax: `def loss(mu, sigma, key):          # the sample is data: nothing flows
    z = jax.lax.stop_gradient(mu + sigma * jax.random.normal(key))
    return (z - 3) ** 2
jax.grad(loss, (0, 1))(mu, sigma, key)   # (0.0, 0.0), and no error
# mu + sigma * jax.random.normal(key) alone is reparameterized;
# jax.random.categorical and bernoulli are cut`,
    torch: `z = Normal(mu, sigma).sample()     # cut; rsample() is not
loss = (z - 3) ** 2 + kl(mu, sigma)
loss.backward()                     # mu.grad and sigma.grad are the KL's alone`,
    keras: `z = keras.ops.stop_gradient(       # what a sampler of data returns
    keras.random.normal(shape, mean=mu, stddev=sigma))
loss = (z - 3) ** 2                 # gradient 0 with respect to mu and sigma`,
  },
  reparameterized: {
    jax: `def loss(mu, sigma, key):
    z = mu + sigma * jax.random.normal(key)
    return (z - 3) ** 2
jax.grad(loss, (0, 1))(mu, sigma, key)`,
    torch: `z = Normal(mu, sigma).rsample()
loss = (z - 3) ** 2 + kl(mu, sigma)
loss.backward()`,
    keras: `epsilon = keras.random.normal(keras.ops.shape(mu))
z = mu + sigma * epsilon
loss = (z - 3) ** 2`,
  },
  scored: {
    jax: `def surrogate(mu, sigma, key):
    z = jax.lax.stop_gradient(mu + sigma * jax.random.normal(key))
    return (z - 3) ** 2 * jax.scipy.stats.norm.logpdf(z, mu, sigma)
jax.grad(surrogate, (0, 1))(mu, sigma, key)`,
    torch: `q = Normal(mu, sigma)
z = q.sample()
surrogate = (z - 3) ** 2 * q.log_prob(z)
surrogate.backward()`,
    keras: `z = keras.ops.stop_gradient(mu + sigma * keras.random.normal(keras.ops.shape(mu)))
log_q = -((z - mu) / sigma) ** 2 / 2 - keras.ops.log(sigma)
surrogate = (z - 3) ** 2 * log_q`,
  },
  straight: {
    jax: `def loss(a, key):
    p = jax.nn.sigmoid(a)
    z = (jax.random.uniform(key) < p).astype(float)
    z = p + jax.lax.stop_gradient(z - p)   # forward z, backward p
    return (z - 0.45) ** 2
jax.grad(loss)(a, key)`,
    torch: `p = torch.sigmoid(a)
z = torch.bernoulli(p)
z = p + (z - p).detach()            # forward z, backward p
loss = (z - 0.45) ** 2
loss.backward()`,
    keras: `p = keras.ops.sigmoid(a)
z = keras.ops.cast(keras.random.uniform(keras.ops.shape(p)) < p, p.dtype)
z = p + keras.ops.stop_gradient(z - p)
loss = (z - 0.45) ** 2`,
  },
  gumbel: {
    jax: `def loss(a, key):
    z = jax.nn.sigmoid((a + jax.random.logistic(key)) / tau)
    return (z - 0.45) ** 2            # of a number between 0 and 1
jax.grad(loss)(a, key)`,
    torch: `z = RelaxedBernoulli(tau, logits=a).rsample()
loss = (z - 0.45) ** 2
loss.backward()`,
    keras: `u = keras.random.uniform(keras.ops.shape(a))
z = keras.ops.sigmoid((a + keras.ops.log(u) - keras.ops.log(1 - u)) / tau)
loss = (z - 0.45) ** 2`,
  },
};
