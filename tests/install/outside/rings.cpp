// Points on three rings around one centre, in two dimensions: the class is the ring.
#include <cmath>
#include <numbers>

#include "datasets/checksum.hpp"
#include "framework/core/errors.hpp"
#include "framework/core/rng.hpp"
#include "parts.hpp"

namespace {

using namespace strata;

Examples draw(const char* stream, Index count) {
  const Rng rng(1, stream);
  Examples e;
  e.x.resize(2, count);
  for (Index i = 0; i < count; ++i) {
    const auto at = static_cast<std::uint64_t>(2 * i);
    const auto ring = static_cast<std::int32_t>(i % 3);
    const double angle = 2 * std::numbers::pi * rng.uniform(at),
                 radius = 0.12 + 0.14 * ring + 0.06 * rng.uniform(at + 1);
    e.x(0, i) = static_cast<Scalar>(0.5 + radius * std::cos(angle));
    e.x(1, i) = static_cast<Scalar>(0.5 + radius * std::sin(angle));
    e.labels.push_back(ring);
  }
  return e;
}

Dataset load(const std::string& folder) {
  if (!folder.empty()) throw UsageError("rings: is generated; expected no --data");
  Dataset data;
  data.name = "rings";
  data.sample_shape = {2};
  data.classes = 3;
  data.train = draw("rings/train", 1500);
  data.test = draw("rings/test", 300);
  Checksum checksum;
  for (const Examples* e : {&data.train, &data.test}) {
    std::vector<std::uint8_t> bytes;
    for (const Scalar v : e->x.reshaped()) bytes.push_back(static_cast<std::uint8_t>(std::lround(v * 250)));
    checksum.add(bytes);
  }
  data.checksum = checksum.text();
  return data;
}

}  // namespace

strata::DatasetEntry outside::rings() {
  return {"rings", "generated: 1,500 + 300 points on three rings", "made by rings.cpp", load};
}
