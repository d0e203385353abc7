#include "datasets/clusters.hpp"

#include <cmath>
#include <cstdio>

#include "datasets/checksum.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"

namespace strata {
namespace {

Examples draw_examples(const ClustersSpec& spec, const Rng& centres, const Rng& points, Index count) {
  Examples e;
  e.x.resize(spec.features, count);
  const auto f = static_cast<std::uint64_t>(spec.features);
  for (Index i = 0; i < count; ++i) {
    const Index cluster = i % (spec.classes * spec.clusters);
    e.labels.push_back(static_cast<std::int32_t>(cluster % spec.classes));
    for (std::uint64_t k = 0; k < f; ++k) {
      const double z = centres.normal(static_cast<std::uint64_t>(cluster) * f + k) +
                       spec.spread * points.normal(static_cast<std::uint64_t>(i) * f + k);
      e.x(static_cast<Index>(k), i) = static_cast<Scalar>(std::erfc(-z / std::sqrt(2.0)) / 2);
    }
  }
  return e;
}

// Over the values at three digits: they are computed, and other C libraries may round the last bits otherwise.
void add(Checksum& checksum, const Examples& e) {
  std::vector<std::uint8_t> bytes;
  for (Index i = 0; i < e.x.size(); ++i) bytes.push_back(static_cast<std::uint8_t>(std::lround(e.x.data()[i] * 250)));
  for (const std::int32_t label : e.labels) bytes.push_back(static_cast<std::uint8_t>(label));
  checksum.add(bytes);
}

}  // namespace

Dataset make_clusters(const ClustersSpec& spec) {
  if (spec.features < 1 || spec.classes < 2 || spec.clusters < 1 || spec.train < 2 || spec.test < 1) {
    throw UsageError(cat("clusters: ", spec.features, " features, ", spec.classes, " classes of ", spec.clusters,
                         " clusters, ", spec.train, " + ", spec.test, " examples: expected at least 1, 2, 1, 2 + 1"));
  }
  Dataset data;
  data.name = "clusters";
  data.sample_shape = {spec.features};
  data.classes = spec.classes;
  const Rng centres(spec.seed, "clusters/centres");
  data.train = draw_examples(spec, centres, Rng(spec.seed, "clusters/train"), spec.train);
  data.test = draw_examples(spec, centres, Rng(spec.seed, "clusters/test"), spec.test);
  Checksum checksum;
  add(checksum, data.train);
  add(checksum, data.test);
  data.checksum = checksum.text();
  return data;
}

}  // namespace strata
