"""A small sweep of a paper that was never written: a number is right, another is not."""

PAPER = """
schema = 1
name = "paper1900"
replicates = 4000
samples = [2, 4]

[paper]
reference = "Kool, van Hoof and Welling, 2020"

[[problem]]
name = "bernoulli_square"
t = 0.49
logit = [0.0, 1.0]

[[estimator]]
name = "score_function"
baseline = "leave_one_out"

[[estimator]]
name = "arm"
samples = [2]

[[published]]
figure = "Figure 1"
cell = { problem = "bernoulli_square[t=0.49,logit=0]", estimator = "rloo" }
group = "logits"
metric = "variance"
over = "num_samples"
values = { 2 = 2.5e-5, 4 = 9.0e-5 }
how = "printed"
draws = 1000
source = "nowhere"

[[published]]
figure = "Figure 1"
cell = { problem = "bernoulli_square[t=0.49,logit=0]", estimator = "arm" }
group = "logits"
metric = "std_mean"
value = 0.003
how = "raster"
relative_error = 0.05
draws = 1000
source = "nowhere"
note = "they call another function"
not_counted = "bug"

[[paper_figure]]
figure = "Figure 1"
metric = "variance"
x = "num_samples"
panel = "problem.logit"
lines = { "LOORF" = "rloo" }

[[paper_figure]]
figure = "Figure 2, a row each"
metric = "std_mean"
lines = { "ARM" = "arm", "LOORF" = "rloo" }
"""
"""The first number is exact: half of the pairs differ, and then the estimate is ± 0.01, else 0. The
second is twenty times too large. The third is not counted."""

ALONG = """
schema = 1
name = "trained1900"
replicates = 2000
samples = [2]

[paper]
reference = "Kool, van Hoof and Welling, 2020"

[[problem]]
name = "bernoulli_square"
t = 0.3
logit = 0.0

[[estimator]]
name = ["enumeration", "score_function", "rloo"]

[training]
steps = 20
optimizer = "sgd"
learning_rate = 0.5
seeds = 4
checkpoints = [0, 10, 20]
curve_points = 4

[[published]]
figure = "Loss"
cell = { problem = "bernoulli_square[t=0.3,logit=0]", estimator = "enumeration" }
metric = "objective"
over = "step"
values = { 10 = TEN, 20 = TWENTY }
how = "printed"
source = "nowhere"

[[published]]
figure = "Loss"
cell = { problem = "bernoulli_square[t=0.3,logit=0]", estimator = "rloo", step = 20 }
metric = "objective"
value = 0.5
how = "vector"
absolute_error = 0.001
source = "nowhere"

[[published]]
figure = "Spread"
cell = { problem = "bernoulli_square[t=0.3,logit=0]", estimator = "score_function" }
group = "logits"
metric = "std_mean"
over = "step"
values = { 0 = 0.1025, 20 = 0.01 }
how = "raster"
relative_error = 0.05
draws = 1000
seeds = 3
source = "nowhere"

[[paper_figure]]
figure = "Loss"
metric = "objective"
x = "step"
y_limits = [0.1, 0.6]
lines = { "exact" = "enumeration", "RLOO" = "rloo" }

[[paper_figure]]
figure = "Spread along the way"
metric = "std_mean"
x = "step"
lines = { "REINFORCE" = "score_function[baseline=none]" }
"""
"""TEN and TWENTY are for a test to fill in: of the exact gradient, in closed form. The objective of
leave-one-out falls from 0.29, so that 0.5 is wrong. The spread at the start is that of a mean of
two draws with P(b = 1) = ½: of f · (b − ½), f being 0.49 or 0.09. That at step 20 is wrong."""
