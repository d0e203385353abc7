// Is a neuron decided by the layer just before it, or by layers further back?
//
// For a target neuron j in layer l and sources i upstream of it, d = depth(l) − depth(layer of i), I_ij the influence of
// influence.hpp, n_d the living candidates at distance d ≥ 1, N = Σ n_d. Three scalings:
//   raw     I_ij                                    mostly says how large weights are
//   scaled  I_ij · σ_i/σ_j                          the default: free of units; the same at every gain of a ReLU net
//   unit    I_ij / ‖I_·j‖₂ over i's layer           compares how concentrated layers are; measures 1–3 and 7 only
// Each with the input's features among the sources and without. A dead neuron (σ = 0) is neither source nor target.
//
//   1  topk_fraction(d)      p(d): share of the k strongest sources that lie at distance d
//   2  prior_fraction        P = p(1);   enrichment P/P₀ with P₀ = n_1/N;   adjusted (P − P₀)/(1 − P₀), NaN where P₀ = 1
//   3  expected_distance     Σ_d d·p(d);   expected_distance_ratio: over Σ_d d·n_d/N
//   4  jacobian_mass(d)      m(d) = mean over examples of ‖J_{l,l−d}(x)‖²_F / (targets · n_d), J scaled by σ_i/σ_j if scaled
//   5  decay_rate            κ of log m(d) = c − κd over three distances or more, with decay_r2 and a Student interval; κ < 0
//                            is growth
//   6  mass_entropy          −Σ q log q / log D of q(d) = m(d)/Σ m over D ≥ 2 distances: 1 = alike at all distances
//   7  influence_pr(d)       (Σ_i I_ij)²/Σ_i I_ij² over the sources at distance d: how many of them count
//   8  trophic_incoherence   trophic.hpp;   skip_share(d): part of the influence that comes through skip edges, and
//      topk_fraction_mediated(d), prior_fraction_mediated: as 1 and 2 by ways that use no skip edge
// 1–3 and 7 are means over a layer's targets. Whatever lacks enough living candidates (k for 1–3) is NaN.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "framework/analysis/influence.hpp"
#include "framework/core/types.hpp"

namespace strata {

enum class Scaling { raw, scaled, unit };
inline constexpr std::array<const char*, 3> scaling_names{"raw", "scaled", "unit"};

/// What a measure has a value for, besides each scaling, with and without the input: the net, a target layer, or a
/// target layer and a distance.
enum class Extent { net, layer, distance };

struct Measure {
  const char* name;
  Extent extent;
  const char* long_name;
  const char* units;
  bool by_layer_size;  ///< has a value where the k strongest are drawn at random among the candidates
};

/// All measures above, by name as in run files.
std::span<const Measure> hierarchy_measures();
/// Index in hierarchy_measures(). Throws UsageError naming the known ones.
std::size_t measure_index(const std::string& name);

/// Every measure of a net. Target layers are neuron layers 1, 2, …; distances 1, 2, … up to the net's depth.
class HierarchyValues {
 public:
  HierarchyValues(std::size_t layers, int depth);  // all NaN

  std::size_t layers() const { return layers_; }
  int depth() const { return depth_; }
  /// `layer` ≥ 1 and `distance` ≥ 1; those that the measure's extent lacks are not looked at.
  double& at(std::size_t measure, Scaling scaling, bool with_input, std::size_t layer = 1, int distance = 1);
  double at(std::size_t measure, Scaling scaling, bool with_input, std::size_t layer = 1, int distance = 1) const;
  /// All values of a measure: scaling × with_input (no, yes) [× layer [× distance]].
  std::vector<double>& values(std::size_t measure) { return values_[measure]; }
  const std::vector<double>& values(std::size_t measure) const { return values_[measure]; }

 private:
  std::size_t index(std::size_t measure, Scaling scaling, bool with_input, std::size_t layer, int distance) const;
  std::size_t layers_;
  int depth_;
  std::vector<std::vector<double>> values_;
};

/// One of the strongest sources of a neuron.
struct TopSource {
  std::size_t layer;
  Index unit;
  double score;         ///< I_ij in the scaling
  double signed_score;  ///< mean of J instead of |J|, in the scaling
};

/// What was found about one target, by hidden sources alone.
struct NeuronAttribution {
  NeuronRef neuron;
  bool dead = false;
  std::vector<TopSource> raw, scaled;  ///< the strongest first; fewer than k where there are fewer candidates
  double prior_fraction = 0;           ///< scaled; NaN without k candidates
  double hypergeometric_p =
      0;  ///< P[so many or more in the prior layer] if k were drawn at random among the candidates
};

struct Hierarchy {
  HierarchyValues values, by_layer_size;
  std::vector<std::int32_t> targets, dead;  ///< by neuron layer ≥ 1: analysed and living; dead of all its neurons
  std::vector<NeuronAttribution> neurons;   ///< the targets, layer by layer
};

struct HierarchySettings {
  int k = 5;
  /// By neuron layer; the input's stays empty.
  std::vector<std::vector<Index>> targets;
  bool attribute_input = false;  ///< the input's features count in NeuronAttribution too
};

/// `count` targets of each layer, drawn by seed; 0 = all.
std::vector<std::vector<Index>> sample_targets(const Neurons& neurons, Index count, std::uint64_t seed);

/// The analysis must have been made with split_skips if the net has skip edges; without input the values with it are NaN.
Hierarchy measure_hierarchy(const InfluenceAnalysis& analysis, const HierarchySettings& settings);

/// The net's weights with the entries permuted within each matrix, by (seed, draw): what is left of the influences when
/// only the sizes of weights remain. Everything else stays.
Registry permuted_weights(const Net& net, const Registry& registry, std::uint64_t seed, int draw);

/// Element by element over the draws of a null: mean and sample standard deviation, and the share (1 + draws at least as
/// high)/(1 + draws) that makes a p value of `observed`. NaN draws are left out.
struct NullSummary {
  HierarchyValues mean, sd, p;
};
NullSummary summarise(const HierarchyValues& observed, const std::vector<HierarchyValues>& draws);

}  // namespace strata
