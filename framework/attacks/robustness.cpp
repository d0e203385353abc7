#include "framework/attacks/robustness.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "framework/core/errors.hpp"

namespace strata {
namespace {

// Examples first … first + count with their targets.
class Part {
 public:
  Part(const Examples& from, Index classes, Index first, Index count, Scalar low, Scalar high)
      : x_(from.x.data() + first * from.x.rows(), from.x.rows(), count, Eigen::OuterStride<>(from.x.rows())),
        one_hot_(Matrix::Zero(classes, count)),
        labels_(from.labels.begin() + first, from.labels.begin() + first + count),
        ids_(static_cast<std::size_t>(count)), low_(low), high_(high) {
    std::iota(ids_.begin(), ids_.end(), first);
    for (Index b = 0; b < count; ++b) one_hot_(labels_[static_cast<std::size_t>(b)], b) = 1;
  }
  Batch batch() const { return {x_, view(one_hot_), labels_, ids_, low_, high_}; }

 private:
  View x_;
  Matrix one_hot_;
  std::vector<std::int32_t> labels_;
  std::vector<Index> ids_;
  Scalar low_, high_;
};

// 1 for each column of x that the oracle decides wrongly.
std::vector<char> wrong(Oracle& decision, const Batch& batch, View x) {
  Matrix scores(batch.classes(), x.cols());
  decision.scores(batch.moved_to(x), mut_view(scores));
  const auto decided = decisions(view(scores));
  std::vector<char> wrong(decided.size());
  for (std::size_t b = 0; b < decided.size(); ++b) wrong[b] = decided[b] != batch.labels[b];
  return wrong;
}

std::string percent_of(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

// Two standard errors of a share of n examples, or of the difference of two shares of the same ones, at most.
double slack(Index n) { return 2 * std::sqrt(0.25 / static_cast<double>(n)); }

Finding finding(const char* name, bool passed, std::string says) {
  return {name, passed ? Finding::Verdict::passed : Finding::Verdict::failed, std::move(says)};
}

}  // namespace

std::string to_string(Path path) {
  switch (path) {
    case Path::gradient: return "gradient";
    case Path::feedback: return "feedback";
    case Path::transfer: return "transfer";
    case Path::query: return "query";
    case Path::noise: break;
  }
  return "noise";
}

double Robustness::least(Path path, std::size_t epsilon) const {
  double least = quiet_nan;
  for (std::size_t a = 0; a < names.size(); ++a) {
    if (paths[a] == path && !(least <= at(a, epsilon))) least = at(a, epsilon);
  }
  return least;
}

void for_parts(const Examples& examples, Index classes, const RobustnessSettings& settings,
               FunctionRef<void(const Batch&)> each) {
  if (settings.batch < 1) throw UsageError(cat("robustness: batch = ", settings.batch, ": expected at least 1"));
  for (Index first = 0; first < examples.size(); first += settings.batch) {
    const Index count = std::min(settings.batch, examples.size() - first);
    each(Part(examples, classes, first, count, settings.low, settings.high).batch());
  }
}

Robustness measure_robustness(Oracle& decision, const Examples& examples, Index classes,
                              const std::vector<NamedAttack>& attacks, const RobustnessSettings& settings,
                              const SawAdversarial& saw) {
  if (examples.size() == 0) throw UsageError("robustness: no examples; expected at least one");
  if (attacks.empty()) throw UsageError("robustness: no attacks; expected at least one");
  if (settings.epsilons.empty()) throw UsageError("robustness: no epsilons; expected at least one");
  Robustness found;
  for (const NamedAttack& a : attacks) {
    found.names.push_back(a.name);
    found.paths.push_back(a.path);
  }
  found.epsilons = settings.epsilons;
  found.examples = examples.size();
  const std::size_t levels = settings.epsilons.size();
  std::vector<Index> right(attacks.size() * levels, 0), right_always(levels, 0);
  Index right_clean = 0;
  for_parts(examples, classes, settings, [&](const Batch& batch) {
    const std::vector<char> clean = wrong(decision, batch, batch.x);
    right_clean += std::count(clean.begin(), clean.end(), 0);
    for (std::size_t e = 0; e < levels; ++e) {
      const Region region{settings.norm, settings.epsilons[e], settings.low, settings.high};
      std::vector<char> ever = clean;
      for (std::size_t a = 0; a < attacks.size(); ++a) {
        const Adversarial adversarial = attacks[a].run(batch, region);
        // Asked again: what was carried over from another net may fool this one or not.
        std::vector<char> fooled = wrong(decision, batch, view(adversarial.x));
        for (std::size_t b = 0; b < fooled.size(); ++b) {
          fooled[b] = fooled[b] || clean[b];
          ever[b] = ever[b] || fooled[b];
        }
        right[a * levels + e] += std::count(fooled.begin(), fooled.end(), 0);
        if (saw) saw(a, e, batch.ids.front(), adversarial);
      }
      right_always[e] += std::count(ever.begin(), ever.end(), 0);
    }
  });
  const auto share = [&](Index n) { return static_cast<double>(n) / static_cast<double>(examples.size()); };
  found.clean = share(right_clean);
  for (const Index n : right) found.accuracy.push_back(share(n));
  for (const Index n : right_always) found.worst.push_back(share(n));
  return found;
}

std::vector<Finding> check_robustness(const Robustness& table) {
  std::vector<Finding> findings;
  const double margin = slack(table.examples);
  const std::size_t levels = table.epsilons.size();
  if (table.epsilons.front() == 0) {
    findings.push_back(finding("nothing is lost at epsilon 0", table.worst[0] == table.clean,
                               cat(percent_of(table.worst[0]), " right, ", percent_of(table.clean), " clean")));
  } else {
    findings.push_back({"nothing is lost at epsilon 0", Finding::Verdict::not_asked, "0 is not among the epsilons"});
  }
  Finding falls = finding("no more is right at a larger epsilon", true, "under every attack");
  for (std::size_t a = 0; a < table.names.size(); ++a) {
    for (std::size_t e = 1; e < levels; ++e) {
      if (table.at(a, e) <= table.at(a, e - 1) + margin) continue;
      falls = finding("no more is right at a larger epsilon", false,
                      cat(table.names[a], " (", to_string(table.paths[a]), "): ", percent_of(table.at(a, e - 1)),
                          " at ", table.epsilons[e - 1], ", ", percent_of(table.at(a, e)), " at ", table.epsilons[e]));
    }
  }
  findings.push_back(falls);

  const char* const white = "the true gradient is at least as strong as transfer and queries";
  Finding masked{white, Finding::Verdict::not_asked, "no such pair of attacks"};
  double widest = margin;
  for (std::size_t e = 0; e < levels; ++e) {
    const double own = table.least(Path::gradient, e);
    for (const Path path : {Path::transfer, Path::query, Path::noise}) {
      const double other = table.least(path, e);
      if (std::isnan(own) || std::isnan(other)) continue;
      if (masked.verdict == Finding::Verdict::not_asked) masked = finding(white, true, "at every epsilon");
      if (own - other <= widest) continue;
      widest = own - other;
      masked = finding(white, false,
                       cat("masked: at epsilon ", table.epsilons[e], " the true gradient leaves ", percent_of(own),
                           ", ", to_string(path), " ", percent_of(other)));
    }
  }
  findings.push_back(masked);

  // Where the two differ most.
  const char* const paths = "the feedback path beside the true gradient";
  Finding feedback{paths, Finding::Verdict::not_asked,
                   "the rule has no feedback path, or it was not attacked along it"};
  double most = -1;
  for (std::size_t e = 0; e < levels; ++e) {
    const double own = table.least(Path::gradient, e), other = table.least(Path::feedback, e);
    if (std::isnan(other)) continue;
    if (std::isnan(own)) {
      feedback.says = "the decision has no gradient to compare it with";
      continue;
    }
    if (std::abs(other - own) <= most) continue;
    most = std::abs(other - own);
    const std::string figures = cat("at epsilon ", table.epsilons[e], " the true gradient leaves ", percent_of(own),
                                    ", the feedback path ", percent_of(other));
    if (other - own > margin) {
      feedback = finding(paths, true, cat(figures, ": an attack along it measures the path, not the net"));
    } else if (own - other > margin) {
      feedback = finding(paths, false, cat("masked: ", figures));
    } else {
      feedback = finding(paths, true, cat(figures, ": alike"));
    }
  }
  findings.push_back(feedback);
  return findings;
}

std::vector<Finding> check_gradient(Oracle& decision, const Examples& examples, Index classes,
                                    const RobustnessSettings& settings, double epsilon, std::uint64_t seed) {
  const auto left = [&](int steps, double radius) {
    RobustnessSettings one = settings;
    one.epsilons = {radius};
    const NamedAttack pgd{"pgd", Path::gradient, [&](const Batch& batch, const Region& region) {
                            return climb(decision, batch, region, Climb::pgd(steps), seed);
                          }};
    return measure_robustness(decision, examples, classes, {pgd}, one).worst[0];
  };
  std::vector<Finding> findings;
  const double margin = slack(examples.size());
  const double one = left(1, epsilon), ten = left(10, epsilon), forty = left(40, epsilon);
  findings.push_back(finding("more steps leave no more", ten <= one + margin && forty <= ten + margin,
                             cat("PGD at epsilon ", epsilon, ": ", percent_of(one), " after 1 step, ", percent_of(ten),
                                 " after 10, ", percent_of(forty), " after 40")));
  const char* const all = "PGD with 100 steps leaves under 1 % at half the range";
  if (settings.norm != Norm::linf) {
    findings.push_back({all, Finding::Verdict::not_asked, "asked under linf alone"});
    return findings;
  }
  const double radius = 0.5 * (static_cast<double>(settings.high) - settings.low);
  const double rest = left(100, radius);
  findings.push_back(finding(all, rest < 0.01, cat(percent_of(rest), " at epsilon ", radius)));
  return findings;
}

}  // namespace strata
