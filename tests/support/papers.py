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
