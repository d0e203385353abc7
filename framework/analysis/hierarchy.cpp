#include "framework/analysis/hierarchy.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "framework/analysis/fit.hpp"
#include "framework/analysis/hypergeometric.hpp"
#include "framework/analysis/statistics.hpp"
#include "framework/core/errors.hpp"

namespace strata {
namespace {

constexpr Measure measure_table[] = {
    {"topk_fraction", Extent::distance, "share of the k strongest sources that lie at this distance", "1", true},
    {"topk_fraction_mediated", Extent::distance, "topk_fraction by ways that use no skip edge", "1", true},
    {"prior_fraction", Extent::layer, "share of the k strongest sources in the layer just before", "1", true},
    {"prior_fraction_mediated", Extent::layer, "prior_fraction by ways that use no skip edge", "1", true},
    {"enrichment", Extent::layer, "prior_fraction over the prior layer's share of the candidates", "1", true},
    {"adjusted", Extent::layer, "prior_fraction, 0 at the prior layer's share of the candidates and 1 at most", "1",
     true},
    {"expected_distance", Extent::layer, "mean distance of the k strongest sources", "layer", true},
    {"expected_distance_ratio", Extent::layer, "expected_distance over that of all candidates", "1", true},
    {"jacobian_mass", Extent::distance, "mean over examples of the squared Jacobian's elements", "1", false},
    {"decay_rate", Extent::layer, "rate at which jacobian_mass falls with distance, exponential; < 0: it grows",
     "1/layer", false},
    {"decay_rate_low", Extent::layer, "lower end of decay_rate's 95 % interval", "1/layer", false},
    {"decay_rate_high", Extent::layer, "upper end of decay_rate's 95 % interval", "1/layer", false},
    {"decay_r2", Extent::layer, "coefficient of determination of the exponential fit", "1", false},
    {"mass_entropy", Extent::layer, "entropy of jacobian_mass over distances, 1 = alike at all", "1", false},
    {"influence_pr", Extent::distance, "participation ratio of the influences from this distance", "neuron", false},
    {"skip_share", Extent::distance, "part of the influence that comes through skip edges", "1", false},
    {"trophic_incoherence", Extent::net,
     "how far direct connections miss climbing by one level; not in nets of more than 8192 neurons", "1", false},
};

// Their indices, looked up once.
struct Ids {
  std::size_t topk = measure_index("topk_fraction");
  std::size_t topk_mediated = measure_index("topk_fraction_mediated");
  std::size_t prior = measure_index("prior_fraction");
  std::size_t prior_mediated = measure_index("prior_fraction_mediated");
  std::size_t enrichment = measure_index("enrichment");
  std::size_t adjusted = measure_index("adjusted");
  std::size_t expected = measure_index("expected_distance");
  std::size_t expected_ratio = measure_index("expected_distance_ratio");
  std::size_t mass = measure_index("jacobian_mass");
  std::size_t rate = measure_index("decay_rate");
  std::size_t rate_low = measure_index("decay_rate_low");
  std::size_t rate_high = measure_index("decay_rate_high");
  std::size_t r2 = measure_index("decay_r2");
  std::size_t entropy = measure_index("mass_entropy");
  std::size_t pr = measure_index("influence_pr");
  std::size_t skip_share = measure_index("skip_share");
};

using Distances = std::vector<double>;  // by distance; [0] is not used

// The candidates of one target layer, with or without the input.
class Candidates {
 public:
  Candidates(const InfluenceAnalysis& analysis, std::size_t target, bool with_input)
      : neurons_(analysis.neurons()), count_(static_cast<std::size_t>(neurons_.depth()) + 1, 0) {
    for (std::size_t s = with_input ? 0 : 1; s < target; ++s) {
      if (!neurons_.upstream(target, s)) continue;
      const auto distance = static_cast<std::size_t>(neurons_.distance(target, s));
      if (distance == 0) continue;  // neither before the target nor further back
      for (Index i = 0; i < neurons_[s].units; ++i) {
        const Index source = neurons_[s].first + i;
        if (analysis.moments().dead[static_cast<std::size_t>(source)]) continue;
        sources_.push_back({source, s, distance});
        ++count_[distance];
      }
    }
  }

  struct Source {
    Index index;  // as Neurons lines them up
    std::size_t layer, distance;
  };
  const std::vector<Source>& sources() const { return sources_; }
  double size() const { return static_cast<double>(sources_.size()); }
  double at(std::size_t distance) const { return count_[distance]; }
  std::size_t distances() const { return count_.size(); }

  // p(d) where the k strongest are drawn at random.
  Distances shares() const {
    Distances shares(count_.size(), 0);
    for (std::size_t d = 1; d < count_.size(); ++d) shares[d] = count_[d] / size();
    return shares;
  }

 private:
  const Neurons& neurons_;
  std::vector<Source> sources_;
  std::vector<double> count_;
};

// The k best candidates by score, the strongest first; ties and NaN, which counts as nothing, by position.
std::vector<std::size_t> strongest(const std::vector<double>& score, std::size_t k) {
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto value = [&](std::size_t i) { return std::isnan(score[i]) ? -1.0 : score[i]; };
  const auto before = [&](std::size_t a, std::size_t b) { return value(a) != value(b) ? value(a) > value(b) : a < b; };
  k = std::min(k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(k), order.end(), before);
  order.resize(k);
  return order;
}

double expectation(const Distances& p) {
  double sum = 0;
  for (std::size_t d = 1; d < p.size(); ++d) sum += static_cast<double>(d) * p[d];
  return sum;
}

// Writes measures 1 to 3 for a distribution over distances.
void put_distribution(HierarchyValues& v, const Ids& id, const Candidates& from, const Distances& p, Scaling scaling,
                      bool with_input, std::size_t layer) {
  for (std::size_t d = 1; d < p.size(); ++d) {
    if (from.at(d) > 0) v.at(id.topk, scaling, with_input, layer, static_cast<int>(d)) = p[d];
  }
  const double p0 = from.at(1) / from.size();
  v.at(id.prior, scaling, with_input, layer) = p[1];
  v.at(id.enrichment, scaling, with_input, layer) = p0 > 0 ? p[1] / p0 : quiet_nan;
  v.at(id.adjusted, scaling, with_input, layer) = p0 < 1 ? (p[1] - p0) / (1 - p0) : quiet_nan;
  v.at(id.expected, scaling, with_input, layer) = expectation(p);
  v.at(id.expected_ratio, scaling, with_input, layer) = expectation(p) / expectation(from.shares());
}

void put_mediated(HierarchyValues& v, const Ids& id, const Candidates& from, const Distances& p, Scaling scaling,
                  bool with_input, std::size_t layer) {
  for (std::size_t d = 1; d < p.size(); ++d) {
    if (from.at(d) > 0) v.at(id.topk_mediated, scaling, with_input, layer, static_cast<int>(d)) = p[d];
  }
  v.at(id.prior_mediated, scaling, with_input, layer) = p[1];
}

// Sums over the targets of one layer, for one scaling, with or without the input.
struct Sums {
  explicit Sums(std::size_t distances)
      : topk(distances, 0), topk_mediated(topk), mass(topk), pr(topk), pr_targets(topk), through(topk), mediated(topk) {
  }
  Distances topk, topk_mediated, mass, pr, pr_targets, through, mediated;
};

// Everything about the targets of one layer.
class LayerMeasure {
 public:
  LayerMeasure(const InfluenceAnalysis& analysis, std::size_t layer, int k, bool attribute_input)
      : analysis_(analysis), neurons_(analysis.neurons()), layer_(layer), k_(static_cast<std::size_t>(k)),
        attribute_input_(attribute_input), from_{Candidates(analysis, layer, false),
                                                 Candidates(analysis, layer, analysis.options().with_input)} {
    for (int i = 0; i < 6; ++i) sums_.emplace_back(from_[0].distances());
  }

  void add(const Influences& in, Index column, std::vector<NeuronAttribution>& attributions) {
    const Index target = neurons_[layer_].first + in.units[static_cast<std::size_t>(column)];
    NeuronAttribution found{{layer_, in.units[static_cast<std::size_t>(column)]}, false, {}, {}, quiet_nan, quiet_nan};
    found.dead = analysis_.moments().dead[static_cast<std::size_t>(target)] != 0;
    if (!found.dead) {
      ++targets_;
      for (const bool with_input : {false, true}) {
        if (with_input && !analysis_.options().with_input) continue;
        for (const Scaling scaling : {Scaling::raw, Scaling::scaled, Scaling::unit}) {
          add(in, column, target, scaling, with_input, found);
        }
      }
    }
    attributions.push_back(std::move(found));
  }

  std::int32_t targets() const { return targets_; }

  void put(const Ids& id, HierarchyValues& v, HierarchyValues& by_size) const {
    for (const bool with_input : {false, true}) {
      if (with_input && !analysis_.options().with_input) continue;
      const Candidates& from = from_[with_input];
      if (from.sources().size() >= k_) {
        for (const Scaling scaling : {Scaling::raw, Scaling::scaled, Scaling::unit}) {
          put_distribution(by_size, id, from, from.shares(), scaling, with_input, layer_);
          put_mediated(by_size, id, from, from.shares(), scaling, with_input, layer_);
        }
      }
      if (targets_ == 0) continue;
      for (const Scaling scaling : {Scaling::raw, Scaling::scaled, Scaling::unit}) {
        put(id, v, scaling, with_input);
      }
    }
  }

 private:
  const Sums& sums(Scaling scaling, bool with_input) const {
    return sums_[static_cast<std::size_t>(scaling) * 2 + (with_input ? 1 : 0)];
  }
  Sums& sums(Scaling scaling, bool with_input) {
    return sums_[static_cast<std::size_t>(scaling) * 2 + (with_input ? 1 : 0)];
  }

  // By what each candidate's influence is multiplied.
  std::vector<double> factors(const Influences& in, Index column, Index target, Scaling scaling,
                              const Candidates& from) const {
    std::vector<double> factor(from.sources().size(), 1);
    if (scaling == Scaling::scaled) {
      const std::vector<double>& sd = analysis_.moments().sd;
      for (std::size_t c = 0; c < factor.size(); ++c) {
        factor[c] = sd[static_cast<std::size_t>(from.sources()[c].index)] / sd[static_cast<std::size_t>(target)];
      }
    } else if (scaling == Scaling::unit) {
      std::vector<double> norm(neurons_.size(), 0);
      for (const auto& s : from.sources()) norm[s.layer] += std::pow(in.mean_abs(s.index, column), 2);
      for (std::size_t c = 0; c < factor.size(); ++c) {
        const double n = std::sqrt(norm[from.sources()[c].layer]);
        factor[c] = n > 0 ? 1 / n : 0;
      }
    }
    return factor;
  }

  void add(const Influences& in, Index column, Index target, Scaling scaling, bool with_input,
           NeuronAttribution& found) {
    const Candidates& from = from_[with_input];
    const auto& sources = from.sources();
    Sums& sum = sums(scaling, with_input);
    const auto factor = factors(in, column, target, scaling, from);
    const bool split = in.mediated.size() > 0;
    std::vector<double> score(sources.size()), mediated(sources.size());
    Distances total(from.distances(), 0), squares(total);
    for (std::size_t c = 0; c < sources.size(); ++c) {
      const auto& s = sources[c];
      score[c] = in.mean_abs(s.index, column) * factor[c];
      mediated[c] = split ? in.mediated(s.index, column) * factor[c] : score[c];
      total[s.distance] += score[c];
      squares[s.distance] += score[c] * score[c];
      sum.mass[s.distance] += in.mean_square(s.index, column) * factor[c] * factor[c];
      sum.mediated[s.distance] += mediated[c];
      if (split) sum.through[s.distance] += in.through_skip(s.index, column) * factor[c];
    }
    for (std::size_t d = 1; d < total.size(); ++d) {
      if (!(squares[d] > 0)) continue;
      sum.pr[d] += total[d] * total[d] / squares[d];
      sum.pr_targets[d] += 1;
    }
    const auto top = strongest(score, k_);
    const auto share = 1 / static_cast<double>(k_);
    for (const std::size_t c : top) sum.topk[sources[c].distance] += share;
    for (const std::size_t c : split ? strongest(mediated, k_) : top) sum.topk_mediated[sources[c].distance] += share;

    if (with_input != attribute_input_ || scaling == Scaling::unit) return;
    auto& list = scaling == Scaling::raw ? found.raw : found.scaled;
    std::size_t prior = 0;
    for (const std::size_t c : top) {
      const auto& s = sources[c];
      list.push_back({s.layer, s.index - neurons_[s.layer].first, score[c], in.mean(s.index, column) * factor[c]});
      prior += s.distance == 1;
    }
    if (scaling == Scaling::scaled && top.size() == k_) {
      found.prior_fraction = static_cast<double>(prior) * share;
      found.hypergeometric_p = hypergeometric_tail(static_cast<Index>(sources.size()), static_cast<Index>(from.at(1)),
                                                   static_cast<Index>(k_), static_cast<Index>(prior));
    }
  }

  void put(const Ids& id, HierarchyValues& v, Scaling scaling, bool with_input) const {
    const Candidates& from = from_[with_input];
    const Sums& sum = sums(scaling, with_input);
    const auto over_targets = [&](Distances values) {
      for (double& x : values) x /= targets_;
      return values;
    };
    if (from.sources().size() >= k_) {
      put_distribution(v, id, from, over_targets(sum.topk), scaling, with_input, layer_);
      put_mediated(v, id, from, over_targets(sum.topk_mediated), scaling, with_input, layer_);
    }
    std::vector<double> distances, masses;
    for (std::size_t d = 1; d < from.distances(); ++d) {
      if (from.at(d) == 0) continue;
      const auto at = [&](std::size_t measure) -> double& {
        return v.at(measure, scaling, with_input, layer_, static_cast<int>(d));
      };
      if (sum.pr_targets[d] > 0) at(id.pr) = sum.pr[d] / sum.pr_targets[d];
      if (scaling == Scaling::unit) continue;
      at(id.mass) = sum.mass[d] / (targets_ * from.at(d));
      const double influence = sum.mediated[d] + sum.through[d];
      if (influence > 0) at(id.skip_share) = sum.through[d] / influence;
      distances.push_back(static_cast<double>(d));
      masses.push_back(at(id.mass));
    }
    if (scaling == Scaling::unit) return;
    const auto at = [&](std::size_t measure) -> double& { return v.at(measure, scaling, with_input, layer_); };
    const Decay decay = exponential_decay(distances, masses);
    at(id.rate) = decay.rate;
    at(id.rate_low) = decay.low;
    at(id.rate_high) = decay.high;
    at(id.r2) = decay.r2;
    const double all = std::accumulate(masses.begin(), masses.end(), 0.0);
    if (masses.size() < 2 || !(all > 0)) return;
    double entropy = 0;
    for (const double m : masses) {
      if (m > 0) entropy -= m / all * std::log(m / all);
    }
    at(id.entropy) = entropy / std::log(static_cast<double>(masses.size()));
  }

  const InfluenceAnalysis& analysis_;
  const Neurons& neurons_;
  std::size_t layer_, k_;
  bool attribute_input_;
  std::array<Candidates, 2> from_;
  std::vector<Sums> sums_;
  std::int32_t targets_ = 0;
};

}  // namespace

std::span<const Measure> hierarchy_measures() { return measure_table; }

std::size_t measure_index(const std::string& name) {
  std::vector<std::string> known;
  for (std::size_t m = 0; m < std::size(measure_table); ++m) {
    if (measure_table[m].name == name) return m;
    known.emplace_back(measure_table[m].name);
  }
  throw UsageError(unknown_name("measure", name, known));
}

HierarchyValues::HierarchyValues(std::size_t layers, int depth) : layers_(layers), depth_(depth) {
  for (const Measure& m : measure_table) {
    std::size_t size = scaling_names.size() * 2;
    if (m.extent != Extent::net) size *= layers_ - 1;
    if (m.extent == Extent::distance) size *= static_cast<std::size_t>(depth_);
    values_.emplace_back(size, quiet_nan);
  }
}

std::size_t HierarchyValues::index(std::size_t measure, Scaling scaling, bool with_input, std::size_t layer,
                                   int distance) const {
  std::size_t i = static_cast<std::size_t>(scaling) * 2 + (with_input ? 1 : 0);
  const Extent extent = measure_table[measure].extent;
  if (extent != Extent::net) i = i * (layers_ - 1) + layer - 1;
  if (extent == Extent::distance) i = i * static_cast<std::size_t>(depth_) + static_cast<std::size_t>(distance - 1);
  return i;
}

double& HierarchyValues::at(std::size_t measure, Scaling scaling, bool with_input, std::size_t layer, int distance) {
  return values_[measure][index(measure, scaling, with_input, layer, distance)];
}
double HierarchyValues::at(std::size_t measure, Scaling scaling, bool with_input, std::size_t layer,
                           int distance) const {
  return values_[measure][index(measure, scaling, with_input, layer, distance)];
}

std::vector<std::vector<Index>> sample_targets(const Neurons& neurons, Index count, std::uint64_t seed) {
  std::vector<std::vector<Index>> targets(neurons.size());
  for (std::size_t l = 1; l < neurons.size(); ++l) {
    targets[l] = neurons.sample(l, count == 0 ? neurons[l].units : count, seed);
  }
  return targets;
}

Hierarchy measure_hierarchy(const InfluenceAnalysis& analysis, const HierarchySettings& settings) {
  const Neurons& neurons = analysis.neurons();
  const HierarchyValues empty(neurons.size(), neurons.depth());
  Hierarchy found{empty, empty, {}, {}, {}};
  const Ids id;
  for (std::size_t l = 1; l < neurons.size(); ++l) {
    LayerMeasure layer(analysis, l, settings.k, settings.attribute_input);
    if (!settings.targets[l].empty()) {
      analysis.influences(l, settings.targets[l], [&](const Influences& in) {
        for (Index c = 0; c < in.mean_abs.cols(); ++c) layer.add(in, c, found.neurons);
      });
    }
    layer.put(id, found.values, found.by_layer_size);
    found.targets.push_back(layer.targets());
    const auto first = analysis.moments().dead.begin() + neurons[l].first;
    found.dead.push_back(static_cast<std::int32_t>(std::count(first, first + neurons[l].units, 1)));
  }
  return found;
}

Registry permuted_weights(const Net& net, const Registry& registry, std::uint64_t seed, int draw) {
  Registry permuted = registry;
  for (const NodeId layer : net.graph().layers()) {
    for (std::size_t p = 0; p < net.params(layer).size(); ++p) {
      if (net.graph()[layer].params[p].name != "weight") continue;
      const ParamId id = net.params(layer)[p];
      const Matrix& w = registry.value(id);
      const auto order =
          Rng(seed, "analysis/permuted/" + registry[id].name, static_cast<std::uint64_t>(draw)).permutation(w.size());
      for (Index i = 0; i < w.size(); ++i) {
        permuted.value(id).data()[i] = w.data()[order[static_cast<std::size_t>(i)]];
      }
    }
  }
  return permuted;
}

NullSummary summarise(const HierarchyValues& observed, const std::vector<HierarchyValues>& draws) {
  NullSummary s{observed, observed, observed};
  for (std::size_t m = 0; m < std::size(measure_table); ++m) {
    for (std::size_t i = 0; i < observed.values(m).size(); ++i) {
      std::vector<double> values;
      double as_high = 1;
      for (const HierarchyValues& draw : draws) {
        const double x = draw.values(m)[i];
        if (!std::isfinite(x)) continue;
        values.push_back(x);
        as_high += x >= observed.values(m)[i];
      }
      s.mean.values(m)[i] = strata::mean(values);
      s.sd.values(m)[i] = sample_sd(values);
      const bool known = !values.empty() && std::isfinite(observed.values(m)[i]);
      s.p.values(m)[i] = known ? as_high / (1 + static_cast<double>(values.size())) : quiet_nan;
    }
  }
  return s;
}

}  // namespace strata
