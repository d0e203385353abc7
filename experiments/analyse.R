# Mean test accuracy by rule, and one run's angles to backprop: how to read Strata's files in R.
#
# usage: Rscript analyse.R FOLDER       Debian: apt-get install r-base-core r-bioc-rhdf5
if (!requireNamespace("rhdf5", quietly = TRUE)) stop("rhdf5 is missing: apt-get install r-bioc-rhdf5")
folder <- commandArgs(trailingOnly = TRUE)[1]
if (is.na(folder) || !file.exists(file.path(folder, "summary.h5"))) stop(folder, ": expected a folder with summary.h5")

# R counts axes the other way round: what Python sees as rule x network x seed is seed x network x rule here.
read <- function(file, name) rhdf5::h5read(file.path(folder, file), name)
accuracy <- read("summary.h5", "test_accuracy")
rules <- as.vector(read("summary.h5", "rule"))
networks <- as.vector(read("summary.h5", "network"))
stopifnot(dim(accuracy)[2:3] == c(length(networks), length(rules)))
for (n in seq_along(networks)) {
  for (r in seq_along(rules)) {
    cat(sprintf("%s %s %.4f\n", networks[n], rules[r], mean(accuracy[, n, r], na.rm = TRUE)))
  }
}

# One run: a row a layer, a column an epoch.
run <- file.path("runs", list.files(file.path(folder, "runs"), pattern = "[.]h5$")[1])
angles <- read(run, "layers/angle_to_backprop")
dimnames(angles) <- list(layer = read(run, "layers/layer"), epoch = read(run, "layers/epoch"))
cat(run, "\n")
print(round(angles, 1))
