// How a net fares under attacks, and whether that can be believed.
//
//   accuracy(attack, ε)  share of examples decided rightly both clean and where the attack ended within ε
//   worst(ε)             share decided rightly under every attack that knows the decision: what an attacker leaves, at most
//   among clean          either divided by the clean accuracy: robust accuracy among the examples that were right
// An attack that follows a rule's feedback path, carries examples over from another net, or asks for scores alone may be weaker
// than one along the true gradient. When one of them is stronger, the true gradient misleads: it is masked (Athalye et
// al., 1802.00420), and the accuracy under it says nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "framework/attacks/climb.hpp"
#include "framework/core/function_ref.hpp"
#include "framework/learning/dataset.hpp"

namespace strata {

/// What an attack knows.
enum class Path { gradient, feedback, transfer, query, noise };
std::string to_string(Path path);

struct NamedAttack {
  std::string name;  ///< "pgd"
  Path path = Path::gradient;
  std::function<Adversarial(const Batch& batch, const Region& region)> run;
};

struct RobustnessSettings {
  Norm norm = Norm::linf;
  std::vector<double> epsilons;  ///< ascending
  Index batch = 500;             ///< examples at a time
  Scalar low = 0, high = 1;      ///< of the inputs
};

/// each(batch) for the examples, settings.batch at a time; their ids are their numbers.
void for_parts(const Examples& examples, Index classes, const RobustnessSettings& settings,
               FunctionRef<void(const Batch& batch)> each);

/// Told of each batch of adversarial examples; `first` is the batch's first example.
using SawAdversarial = std::function<void(std::size_t attack, std::size_t epsilon, Index first, const Adversarial&)>;

struct Robustness {
  std::vector<std::string> names;
  std::vector<Path> paths;
  std::vector<double> epsilons;
  Index examples = 0;
  double clean = 0;
  std::vector<double> accuracy;  ///< attack × ε
  std::vector<double> worst;     ///< by ε, over all attacks

  double at(std::size_t attack, std::size_t epsilon) const { return accuracy[attack * epsilons.size() + epsilon]; }
  /// The least accuracy that attacks of this path leave; NaN without one.
  double least(Path path, std::size_t epsilon) const;
};

/// Throws UsageError without examples, attacks or epsilons, and whatever attacks throw.
Robustness measure_robustness(Oracle& decision, const Examples& examples, Index classes,
                              const std::vector<NamedAttack>& attacks, const RobustnessSettings& settings,
                              const SawAdversarial& saw = {});

/// One sign that the table can be believed, or not.
struct Finding {
  enum class Verdict { passed, failed, not_asked };
  std::string name;
  Verdict verdict = Verdict::not_asked;
  std::string says;  ///< in words, with the figures
};

/// The checks that the table itself allows: nothing is lost at ε = 0, no more is right at a larger ε, the true gradient is at
/// least as strong as transfer and queries (else: masked), and how the feedback path compares with it. Differences
/// within two standard errors of a share of so many examples are none.
std::vector<Finding> check_robustness(const Robustness& table);

/// More steps leave no more: PGD from one random start with 1, 10 and 40 steps at `epsilon`; and 100 of them with ε = half the
/// range of the inputs, under which anything can be reached, leave less than 1 % (L∞ alone).
std::vector<Finding> check_gradient(Oracle& decision, const Examples& examples, Index classes,
                                    const RobustnessSettings& settings, double epsilon, std::uint64_t seed);

}  // namespace strata
