#include "experiments/cli/victim.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "experiments/cli/text.hpp"
#include "framework/attacks/deepfool.hpp"
#include "framework/attacks/noise.hpp"
#include "framework/attacks/square.hpp"
#include "framework/core/errors.hpp"
#include "framework/learning/batch_buffer.hpp"

namespace strata::cli {
namespace {

using Names = std::vector<std::string>;

// A way to climb, by steps of one size or by APGD's.
struct WhiteBox {
  Climb how;
  bool automatic = false;
};

std::optional<WhiteBox> white_box(const std::string& name, const AttackSettings& s) {
  const Climb pgd = Climb::pgd(s.steps, s.restarts);
  if (name == "fgsm") return WhiteBox{Climb::fgsm()};
  if (name == "pgd") return WhiteBox{pgd};
  if (name == "apgd") return WhiteBox{pgd, true};
  WhiteBox other{pgd, name == "apgd-margin"};
  if (other.automatic) other.how.loss = AttackLoss::margin;
  else if (name == "momentum-pgd") other.how.momentum = Climb::momentum_pgd(s.steps).momentum;
  else return std::nullopt;
  return other;
}

// The oracles that a net's attacks ask.
class Victim {
 public:
  Victim(const Decider& net, const TrainedNet* surrogate, const Shape& image)
      : decision_(net.model, net.rule), feedback_(net.model, net.rule), image_(image) {
    if (surrogate != nullptr) {
      const Decider carrier = decider(*surrogate);
      surrogate_.emplace(carrier.model, carrier.rule);
    }
  }

  TrueOracle& decision() { return decision_; }

  // Those of `settings` that the net allows; `left_out` says why others are not there.
  std::vector<NamedAttack> attacks(const AttackSettings& s, const Batch& probe, Names& left_out) {
    Matrix scores(probe.classes(), probe.size()), dx(probe.x.rows(), probe.size());
    const auto has = [&](Oracle& oracle) {
      return oracle.gradient(probe, AttackLoss::cross_entropy, mut_view(scores), mut_view(dx));
    };
    const bool gradient = has(decision_), feedback = has(feedback_);
    const Climb pgd = Climb::pgd(s.steps, s.restarts);
    std::vector<NamedAttack> all;
    Names without_gradient;
    const auto climbing = [&](const std::string& name, Path path, Oracle& oracle, const WhiteBox& box) {
      all.push_back({name, path, [&oracle, box, seed = s.seed](const Batch& batch, const Region& region) {
                       return box.automatic ? auto_climb(oracle, batch, region, box.how, seed)
                                            : climb(oracle, batch, region, box.how, seed);
                     }});
    };
    for (const std::string& name : s.attacks) {
      if (name == "deepfool") continue;  // no attack within a radius: distances()
      if (const auto box = white_box(name, s)) {
        if (gradient) climbing(name, Path::gradient, decision_, *box);
        else without_gradient.push_back(name);
      } else if (name == "feedback") {
        if (feedback) climbing(name, Path::feedback, feedback_, {pgd});
        else left_out.emplace_back("feedback: the rule has no feedback path to the input");
      } else if (name == "transfer") {
        Climb how = pgd;
        how.keep = Keep::last;
        if (surrogate_) climbing(name, Path::transfer, *surrogate_, {how});
        else left_out.emplace_back("transfer: no --surrogate");
      } else if (name == "square") {
        all.push_back({name, Path::query, [this, s](const Batch& batch, const Region& region) {
                         return square(decision_, batch, region, image_, {.queries = s.queries}, s.seed);
                       }});
      } else {
        const NoiseKind kind = name == "gaussian" ? NoiseKind::gaussian : NoiseKind::uniform;
        all.push_back({name, Path::noise, [this, kind, s](const Batch& batch, const Region& region) {
                         return noise(decision_, batch, region, {.kind = kind, .draws = s.draws}, s.seed);
                       }});
      }
    }
    if (!without_gradient.empty()) left_out.push_back(cat(join(without_gradient), ": the decision has no gradient"));
    return all;
  }

  // DeepFool's, of the examples that are right when clean, ascending. The decision must have a gradient.
  std::vector<double> distances(const Examples& examples, Index classes, const RobustnessSettings& settings) {
    std::vector<double> all;
    for_parts(examples, classes, settings, [&](const Batch& batch) {
      for (const double d : deepfool(decision_, batch).distance) {
        if (d > 0) all.push_back(d);
      }
    });
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  TrueOracle decision_;
  FeedbackOracle feedback_;
  std::optional<TrueOracle> surrogate_;
  Shape image_;
};

Examples gathered(const Examples& from, const std::vector<Index>& ids) {
  Examples some{Matrix(from.x.rows(), static_cast<Index>(ids.size())), {}};
  for (const Index id : ids) {
    some.x.col(static_cast<Index>(some.labels.size())) = from.x.col(id);
    some.labels.push_back(from.labels[static_cast<std::size_t>(id)]);
  }
  return some;
}

// Sees adversarial examples go by, and keeps the first.
class Keeper {
 public:
  Keeper(TrueOracle& decision, const Attackable& from, const Examples& examples, const AttackSettings& settings,
         std::size_t attacks)
      : decision_(decision), examples_(examples), classes_(from.data.classes),
        count_(std::min(settings.keep, examples.size())), low_(from.data.low), high_(from.data.high), attacks_(attacks),
        levels_(settings.table.epsilons.size()) {
    const auto n = static_cast<std::size_t>(count_);
    const auto features = static_cast<std::size_t>(examples.x.rows());
    kept.shape = from.data.sample_shape;
    kept.ids.assign(from.ids.begin(), from.ids.begin() + count_);
    kept.labels.assign(examples.labels.begin(), examples.labels.begin() + count_);
    for (std::size_t i = 0; i < n * features; ++i) kept.clean.push_back(static_cast<float>(examples.x.data()[i]));
    kept.decided.resize(n * attacks_ * levels_);
    kept.x.resize(kept.decided.size() * features);
  }

  void see(std::size_t attack, std::size_t epsilon, Index first, const Adversarial& found) {
    const Index count = std::min(count_ - first, found.x.cols());
    if (count <= 0) return;
    const Index features = found.x.rows();
    Matrix scores(classes_, found.x.cols()), one_hot = Matrix::Zero(classes_, found.x.cols());
    const std::span<const std::int32_t> labels(examples_.labels.data() + first,
                                               static_cast<std::size_t>(found.x.cols()));
    const std::vector<Index> ids(labels.size(), 0);
    decision_.scores({view(found.x), view(one_hot), labels, ids, low_, high_}, mut_view(scores));
    const auto decided = decisions(view(scores));
    for (Index b = 0; b < count; ++b) {
      const std::size_t at = (static_cast<std::size_t>(first + b) * attacks_ + attack) * levels_ + epsilon;
      kept.decided[at] = decided[static_cast<std::size_t>(b)];
      const Scalar* column = found.x.data() + b * features;
      std::transform(column, column + features, kept.x.begin() + static_cast<std::ptrdiff_t>(at) * features,
                     [](Scalar v) { return static_cast<float>(v); });
    }
  }

  KeptExamples kept;

 private:
  TrueOracle& decision_;
  const Examples& examples_;
  Index classes_, count_;
  Scalar low_, high_;
  std::size_t attacks_, levels_;
};

std::size_t place(const Names& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

DataGroup robustness_group(const DataAxis& each, const std::vector<Attacked>& all, const Names& attacks,
                           const AttackSettings& settings) {
  using Doubles = std::vector<double>;
  Names checks;
  for (const Attacked& a : all) {
    for (const Finding& f : a.findings) add_missing(checks, f.name);
  }
  const std::size_t levels = settings.table.epsilons.size();
  Doubles accuracy(all.size() * attacks.size() * levels, quiet_nan), worst, clean, medians;
  std::vector<std::int32_t> passed(all.size() * checks.size(), -1);
  for (std::size_t r = 0; r < all.size(); ++r) {
    const Robustness& t = all[r].table;
    clean.push_back(t.clean);
    worst.insert(worst.end(), t.worst.begin(), t.worst.end());
    medians.push_back(all[r].median_distance());
    for (std::size_t k = 0; k < t.names.size(); ++k) {
      const std::size_t at = place(attacks, t.names[k]);
      for (std::size_t e = 0; e < levels; ++e) accuracy[(r * attacks.size() + at) * levels + e] = t.at(k, e);
    }
    for (const Finding& f : all[r].findings) {
      if (f.verdict == Finding::Verdict::not_asked) continue;
      passed[r * checks.size() + place(checks, f.name)] = f.verdict == Finding::Verdict::passed;
    }
  }
  DataGroup group{"robustness", {}, {}, {}};
  group.axes = {
      each,
      {"attack", attacks, "as strata attack calls it"},
      {"epsilon", settings.table.epsilons, cat("radius in units of the inputs, ", to_string(settings.table.norm))},
      {"check", checks, "what makes the figures worth believing"}};
  group.notes = {{"norm", to_string(settings.table.norm)},
                 {"examples", static_cast<std::int32_t>(all.front().table.examples)},
                 {"steps", settings.steps},
                 {"restarts", settings.restarts},
                 {"queries", settings.queries},
                 {"draws", settings.draws},
                 {"seed", static_cast<std::int32_t>(settings.seed)}};
  const auto add = [&](const char* name, Names axes, auto values, const char* long_name) {
    axes.insert(axes.begin(), each.name);
    group.arrays.push_back({name, std::move(axes), std::move(values), long_name, "1"});
  };
  add("clean", {}, clean, "share of the examples decided rightly");
  add("accuracy", {"attack", "epsilon"}, accuracy, "share decided rightly, clean and under the attack; NaN: not made");
  add("worst", {"epsilon"}, worst, "share decided rightly under every attack");
  add("median_distance", {}, medians,
      "median L2 distance of the nearest wrong point by DeepFool, of what is right when clean");
  add("passed", {"check"}, passed, "1: passed, 0: failed, -1: not asked");
  return group;
}

DataGroup adversarial_group(const DataAxis& each, const std::vector<Attacked>& all, const Names& attacks,
                            const AttackSettings& settings) {
  const KeptExamples& first = all.front().kept;
  const std::size_t levels = settings.table.epsilons.size(), examples = first.ids.size();
  const std::size_t features = first.clean.size() / examples;
  std::vector<float> x(all.size() * examples * attacks.size() * levels * features,
                       std::numeric_limits<float>::quiet_NaN());
  std::vector<std::int32_t> decided(x.size() / features, -1), numbers(features),
      ids(first.ids.begin(), first.ids.end());
  for (std::size_t r = 0; r < all.size(); ++r) {
    const KeptExamples& kept = all[r].kept;
    const Names& own = all[r].table.names;
    for (std::size_t i = 0; i < examples; ++i) {
      for (std::size_t k = 0; k < own.size(); ++k) {
        const std::size_t to = ((r * examples + i) * attacks.size() + place(attacks, own[k])) * levels;
        const std::size_t from = (i * own.size() + k) * levels;
        std::copy_n(kept.decided.begin() + static_cast<std::ptrdiff_t>(from), levels,
                    decided.begin() + static_cast<std::ptrdiff_t>(to));
        std::copy_n(kept.x.begin() + static_cast<std::ptrdiff_t>(from * features), levels * features,
                    x.begin() + static_cast<std::ptrdiff_t>(to * features));
      }
    }
  }
  for (std::size_t f = 0; f < features; ++f) numbers[f] = static_cast<std::int32_t>(f);
  DataGroup group{"adversarial", {}, {}, {}};
  group.axes = {each,
                {"example", std::move(ids), "number of the example in its data set"},
                {"attack", attacks, "as strata attack calls it"},
                {"epsilon", settings.table.epsilons, "radius in units of the inputs"},
                {"feature", std::move(numbers), "of the input, as the data set lays it out"}};
  group.notes = {{"norm", to_string(settings.table.norm)}};
  if (first.shape.size() == 3) {
    const char* const names[] = {"channels", "height", "width"};
    for (std::size_t d = 0; d < 3; ++d) group.notes.emplace_back(names[d], static_cast<std::int32_t>(first.shape[d]));
  }
  group.arrays = {{"x",
                   {each.name, "example", "attack", "epsilon", "feature"},
                   std::move(x),
                   "adversarial example; NaN: not made",
                   "1"},
                  {"decided",
                   {each.name, "example", "attack", "epsilon"},
                   std::move(decided),
                   "class that the net decides for there",
                   "1"},
                  {"clean", {"example", "feature"}, first.clean, "the example itself", "1"},
                  {"label", {"example"}, first.labels, "its class", "1"}};
  return group;
}

}  // namespace

Decider decider(const TrainedNet& net) { return {{net.net(), net.loss(), net.registry()}, net.rule()}; }

double Attacked::median_distance() const { return distances.empty() ? quiet_nan : distances[distances.size() / 2]; }

Attacked attack_net(const Decider& net, const TrainedNet* surrogate, const Attackable& from, AttackSettings settings) {
  settings.table.low = from.data.low;
  settings.table.high = from.data.high;
  const Index classes = from.data.classes;
  const Examples examples = gathered(from.from, from.ids);
  Victim victim(net, surrogate, from.data.sample_shape);
  BatchBuffer buffer(from.data, 1);
  Attacked found;
  const auto attacks = victim.attacks(settings, buffer.gather(from.from, std::span(from.ids).first(1)), found.left_out);
  if (attacks.empty()) return found;
  Keeper keeper(victim.decision(), from, examples, settings, attacks.size());
  found.table = measure_robustness(victim.decision(), examples, classes, attacks, settings.table,
                                   [&](auto&&... seen) { keeper.see(seen...); });
  found.kept = std::move(keeper.kept);
  found.findings = check_robustness(found.table);
  const auto& paths = found.table.paths;
  if (std::find(paths.begin(), paths.end(), Path::gradient) == paths.end()) return found;
  if (std::find(settings.attacks.begin(), settings.attacks.end(), "deepfool") != settings.attacks.end()) {
    found.distances = victim.distances(examples, classes, settings.table);
  }
  // At a radius of the table under which something is left and something is lost.
  const auto& e = settings.table.epsilons;
  for (Finding& f :
       check_gradient(victim.decision(), examples, classes, settings.table, e[e.size() / 2], settings.seed)) {
    found.findings.push_back(std::move(f));
  }
  return found;
}

std::vector<DataGroup> robustness_groups(const DataAxis& each, const std::vector<Attacked>& all,
                                         const AttackSettings& settings) {
  Names attacks;
  for (const Attacked& a : all) {
    for (const std::string& name : a.table.names) add_missing(attacks, name);
  }
  std::vector<DataGroup> groups{robustness_group(each, all, attacks, settings)};
  if (!all.front().kept.ids.empty()) groups.push_back(adversarial_group(each, all, attacks, settings));
  return groups;
}

}  // namespace strata::cli
